// Callers of a cluster who keep what was acknowledged to them, and judge every answer.
import { basic, form, json, type TestClient } from './testing';

/** An access token that somebody got. */
export interface Obtained {
  readonly token: string;
  /** What became of it: revoked only when that was acknowledged, unknown when it was asked and not answered. */
  state: 'good' | 'revoked' | 'unknown';
}

/** A steady load, and what it has seen. */
export interface Load {
  readonly tokens: readonly Obtained[];
  /** Each client that was made, with the newest secret that was acknowledged. */
  readonly clients: readonly TestClient[];
  /** Answers that nobody may get, whatever is at fault. */
  readonly wrong: readonly string[];
  /** How many requests failed in ways that are allowed while something is at fault, by what they got. */
  readonly failed: Readonly<Record<string, number>>;
  readonly asked: number;
  /** Hears of each revocation once it is acknowledged. */
  onRevoked(hear: (token: string) => void): void;
  /** Resolves when every caller has been well served several times on end. */
  untilServed(): Promise<void>;
  stop(): Promise<void>;
}

/** Between two requests of a caller: a steady load, not all that the machine can bear. */
const PAUSE_MS = 40;

/** No answer may take longer, whatever is at fault. */
const ANSWER_MS = 15_000;

/** Good answers on end that a caller waits for to say that all is well. */
const SERVED = 5;

/** Starts callers of `url`. `first` is a client that is known there. */
export function startLoad(url: string, first: TestClient): Load {
  const seen = { tokens: [] as Obtained[], clients: [first], wrong: [] as string[], asked: 0 };
  const failed: Record<string, number> = {};
  const heard: ((token: string) => void)[] = [];
  let going = true;
  const { ask, lives } = createAsker(url, seen, failed);

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const anyOf = <T>(all: readonly T[]): T | undefined => all[(seen.asked * 7) % all.length];
  const obtain = async (caller: string): Promise<Obtained | null> => {
    const client = anyOf(seen.clients) ?? first;
    const asked = form({ grant_type: 'client_credentials' }, { authorization: basic(client) });
    const answer = await ask(caller, '/api/auth/token', asked, 200);
    if (answer === null) return null;
    const obtained: Obtained = { token: (answer as { access_token: string }).access_token, state: 'good' };
    seen.tokens.push(obtained);
    return obtained;
  };
  const good = (): Obtained | undefined => anyOf(seen.tokens.filter(({ state }) => state === 'good'));
  const callers: Record<string, (caller: string) => Promise<void>> = {
    tokens: async (caller) => void (await obtain(caller)),
    rates: async (caller) => {
      const one = good();
      if (one !== undefined) await ask(caller, '/api/currency/', bearer(one.token), 200);
    },
    introspection: async (caller) => {
      const one = good();
      if (one === undefined) return;
      const asked = form({ token: one.token }, { authorization: basic(ownerOf(one.token, seen.clients)) });
      const answer = (await ask(caller, '/api/auth/introspect', asked, 200)) as { active: boolean } | null;
      if (answer !== null && answer.active !== true) seen.wrong.push('a good token is not active');
    },
    revocation: async (caller) => {
      const one = await obtain(caller);
      if (one === null) return;
      one.state = 'unknown';
      const asked = form({ token: one.token }, { authorization: basic(ownerOf(one.token, seen.clients)) });
      if ((await ask(caller, '/api/auth/revoke', asked, 200)) === null) return;
      one.state = 'revoked';
      for (const hear of heard) hear(one.token);
    },
    clients: async (caller) => {
      const made = await ask(caller, '/api/clients', json({ client_name: 'Made under load' }), 201);
      if (made === null) return;
      const client = clientOf(made);
      const at = seen.clients.push(client) - 1;
      const init = json({});
      const headers = { ...(init.headers as Record<string, string>), authorization: basic(client) };
      const rotated = await ask(caller, `/api/clients/${client.id}/secrets`, { ...init, headers }, 201);
      if (rotated !== null) seen.clients[at] = { id: client.id, secret: clientOf(rotated).secret };
    },
  };
  const running = Object.entries(callers).map(async ([caller, call]) => {
    while (going) {
      await call(caller);
      await Bun.sleep(PAUSE_MS);
    }
  });
  return {
    ...seen,
    get asked() {
      return seen.asked;
    },
    failed,
    onRevoked: (hear) => void heard.push(hear),
    untilServed: async () => {
      const begun = new Map(Object.keys(callers).map((caller) => [caller, lives.get(caller)?.total ?? 0]));
      const isServed = ([caller, before]: [string, number]): boolean => {
        const { total = 0, onEnd = 0 } = lives.get(caller) ?? {};
        return Math.min(total - before, onEnd) >= SERVED;
      };
      const deadline = performance.now() + 4 * ANSWER_MS;
      while (![...begun].every(isServed)) {
        if (performance.now() > deadline) throw new Error(`not served: ${JSON.stringify([...lives])}`);
        await Bun.sleep(PAUSE_MS);
      }
    },
    stop: async () => {
      going = false;
      await Promise.all(running);
    },
  };
}

interface Life {
  total: number;
  onEnd: number;
}

/** Asks, counts and judges: what is neither wanted nor an outage said as it should be is wrong. */
function createAsker(url: string, seen: { wrong: string[]; asked: number }, failed: Record<string, number>) {
  const lives = new Map<string, Life>();
  const fail = (life: Life, what: string): null => {
    life.onEnd = 0;
    failed[what] = (failed[what] ?? 0) + 1;
    return null;
  };
  const ask = async (caller: string, path: string, init: RequestInit, wanted: number): Promise<unknown> => {
    const life = lives.get(caller) ?? { total: 0, onEnd: 0 };
    lives.set(caller, life);
    seen.asked += 1;
    life.total += 1;
    const signal = AbortSignal.timeout(ANSWER_MS);
    const answer = await fetch(`${url}${path}`, { ...init, signal })
      .then(async (got) => ({ status: got.status, type: got.headers.get('content-type'), text: await got.text() }))
      .catch((error: Error) => error);
    if (answer instanceof Error) {
      if (answer.name === 'TimeoutError') seen.wrong.push(`${path}: no answer in ${ANSWER_MS} ms`);
      return fail(life, 'connection');
    }
    const { status, type, text } = answer;
    if (status === wanted) {
      life.onEnd += 1;
      return text === '' ? {} : JSON.parse(text);
    }
    const isOutage = [502, 503, 504].includes(status) && type === 'application/problem+json' && isProblem(text, status);
    if (!isOutage) seen.wrong.push(`${caller} ${path}: ${status} ${type} ${text.slice(0, 300)}`);
    return fail(life, String(status));
  };
  return { ask, lives };
}

function isProblem(text: string, status: number): boolean {
  const { title, status: said } = JSON.parse(text) as { title?: unknown; status?: unknown };
  return typeof title === 'string' && said === status;
}

function clientOf(answer: unknown): TestClient {
  const { client_id: id = '', client_secret: secret = '' } = answer as Record<string, string>;
  return { id, secret };
}

/** Whoever a token was given to may ask about it and revoke it. */
function ownerOf(token: string, clients: readonly TestClient[]): TestClient {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { client_id: string };
  const owner = clients.find(({ id }) => id === claims.client_id);
  if (owner === undefined) throw new Error('a token of nobody');
  return owner;
}
