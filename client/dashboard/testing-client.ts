// A client of the tests' own behind the page: it says what a test has written for it, in exactly the shapes of the real one.
import { Elysia } from 'elysia';
import { dashboardRoutes } from './index';
import type { Candle, CredentialView, Interval, Rate, ServerView, Status, StreamView } from './page/model';
import { INTERVALS } from './page/model';

/** The script, and what the page sent. */
export interface ScriptedClient {
  readonly url: string;
  /** What `/api/status` says; change it, then {@link ScriptedClient.tellStatus}. */
  readonly status: { -readonly [Key in keyof Status]: Status[Key] };
  /** The password that is asked for; null: none. */
  password: string | null;
  /** How requests that change something are refused; null: they are not. */
  refusal: { readonly status: number; readonly detail: string } | null;
  /** False: `/api/events` is 503, everything else answers. */
  givesEvents: boolean;
  /** False: candles are 503. */
  givesCandles: boolean;
  /** What was sent to change something: method, path and body. */
  readonly sent: readonly { readonly method: string; readonly path: string; readonly body: unknown }[];
  /** Candles that were asked for: symbol and interval. */
  readonly candlesAsked: readonly string[];
  /** Pages that follow the events now. */
  followers(): number;
  /** Moves these rates, by symbol. */
  move(rates: Readonly<Record<string, number>>): void;
  /** Lists these currencies from now on. */
  list(rates: readonly Rate[]): void;
  tellStatus(change?: Partial<StreamView>): void;
  /** The session ends. */
  signOut(): void;
  /** Cuts every connection and answers nobody; {@link ScriptedClient.comeBack} answers again. */
  goAway(): Promise<void>;
  comeBack(): void;
  close(): Promise<void>;
}

const encoder = new TextEncoder();

/** Starts it, with these currencies. */
export function startScriptedClient(listed: readonly Rate[] = freshRates()): ScriptedClient {
  let rates = [...listed];
  let seq = 1_042;
  let port = 0;
  const followers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const sent: { method: string; path: string; body: unknown }[] = [];
  const candlesAsked: string[] = [];
  const at = (ms = 0): string => new Date(Date.now() + ms).toISOString();
  const tell = (
    event: string,
    data: unknown,
    to: Iterable<ReadableStreamDefaultController<Uint8Array>> = followers,
  ) => {
    for (const follower of to) follower.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  };
  const snapshot = () => ({ type: 'snapshot', seq, rates, at: at() });
  const isSignedIn = (request: Request): boolean =>
    script.password === null || (request.headers.get('cookie') ?? '').includes('crypto_client_session=in');
  const guard = (request: Request, answer: () => Response): Response =>
    isSignedIn(request) ? answer() : problem(401, 'Sign in.');
  const change = (method: string, path: string, body: unknown, answer: () => Response): Response => {
    sent.push({ method, path, body });
    return script.refusal === null ? answer() : problem(script.refusal.status, script.refusal.detail);
  };
  const credential = (name: string): CredentialView =>
    script.status.credentials.find((one) => one.name === name) as CredentialView;
  const events = (request: Request): Response => {
    if (!script.givesEvents) return problem(503, 'Too many pages follow the events.');
    const stream = new ReadableStream<Uint8Array>({
      start(follower) {
        followers.add(follower);
        request.signal.addEventListener('abort', () => followers.delete(follower));
        tell('snapshot', snapshot(), [follower]);
        tell('status', script.status, [follower]);
      },
    });
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
  };
  const make = () =>
    new Elysia()
      .use(dashboardRoutes())
      .get('/api/session', ({ request }) =>
        Response.json({ required: script.password !== null, signed_in: isSignedIn(request) }),
      )
      .post('/api/session', ({ body }) =>
        (body as { password: string }).password === script.password
          ? new Response(null, {
              status: 204,
              headers: { 'set-cookie': 'crypto_client_session=in; HttpOnly; SameSite=Strict; Path=/' },
            })
          : problem(401, 'The password is wrong.'),
      )
      .delete(
        '/api/session',
        () =>
          new Response(null, { status: 204, headers: { 'set-cookie': 'crypto_client_session=; Max-Age=0; Path=/' } }),
      )
      .get('/api/status', ({ request }) => guard(request, () => Response.json(script.status)))
      .get('/api/currencies', ({ request }) => guard(request, () => Response.json(rates)))
      .get('/api/events', ({ request }) => guard(request, () => events(request)))
      .get('/api/currencies/:symbol/candles', ({ params, query }) => {
        candlesAsked.push(`${params.symbol} ${query['interval']}`);
        if (!script.givesCandles) return problem(503, 'No server answers.');
        const rate = rates.find(({ symbol }) => symbol === params.symbol);
        if (rate === undefined) return problem(404, 'There is no such currency.');
        return Response.json(candlesOf(rate, query['interval'] as Interval, Number(query['limit'])));
      })
      .post('/api/credentials', ({ body }) =>
        change('POST', '/api/credentials', body, () => {
          const added = { ...CREDENTIAL, ...(body as Partial<CredentialView>), active: false, has_token: false };
          script.status.credentials = [...script.status.credentials, added];
          return Response.json(added, { status: 201 });
        }),
      )
      .post('/api/credentials/:name/use', ({ params: { name }, path }) =>
        change('POST', path, null, () => {
          script.status.credential_name = name;
          script.status.credentials = script.status.credentials.map((one) => ({ ...one, active: one.name === name }));
          return Response.json(credential(name));
        }),
      )
      .post('/api/credentials/:name/rotate', ({ params: { name }, path }) =>
        change('POST', path, null, () => Response.json(credential(name))),
      )
      .delete('/api/credentials/:name', ({ params: { name }, path }) =>
        change('DELETE', path, null, () => {
          script.status.credentials = script.status.credentials.filter((one) => one.name !== name);
          return new Response(null, { status: 204 });
        }),
      );
  let app: ReturnType<typeof make> | null = null;
  const listen = (): void => {
    app = make();
    app.listen({ hostname: '127.0.0.1', port, reusePort: false, idleTimeout: 60 });
    port = app.server?.port ?? 0;
  };
  const script: ScriptedClient = {
    get url() {
      return `http://localhost:${port}`;
    },
    status: statusAt(at),
    password: null,
    refusal: null,
    givesEvents: true,
    givesCandles: true,
    sent,
    candlesAsked,
    followers: () => followers.size,
    move(moved) {
      const updated = rates
        .filter(({ symbol }) => moved[symbol] !== undefined)
        .map((rate) => ({ ...rate, rate: moved[rate.symbol] ?? rate.rate, updated_at: at() }));
      rates = rates.map((rate) => updated.find(({ symbol }) => symbol === rate.symbol) ?? rate);
      seq += 1;
      tell('update', { type: 'update', from_seq: seq - 1, seq, rates: updated, at: at() });
    },
    list(all) {
      rates = [...all];
      tell('snapshot', snapshot());
    },
    tellStatus(stream = {}) {
      script.status.stream = { ...script.status.stream, ...stream };
      tell('status', script.status);
    },
    signOut() {
      tell('signed_out', {});
    },
    async goAway() {
      followers.clear();
      await app?.stop(true);
      app = null;
    },
    comeBack: listen,
    async close() {
      await app?.stop(true);
    },
  };
  listen();
  return script;
}

function problem(status: number, detail: string): Response {
  return Response.json({ type: 'about:blank', status, detail }, { status });
}

/** A walk that is the same each time: the last candle ends at the rate. */
function candlesOf({ symbol, rate }: Rate, interval: Interval, limit: number): Candle[] {
  const lengthMs = INTERVALS[interval] * 1_000;
  const lastMs = Math.floor(Date.now() / lengthMs) * lengthMs;
  const wave = (at: number): number =>
    1 + 0.012 * Math.sin(at / 9 + symbol.length) + 0.006 * Math.sin(at / 2.3) + 0.003 * Math.sin(at * 1.7);
  const last = wave(0);
  return Array.from({ length: Math.min(limit, 120) }, (_, index) => {
    const back = Math.min(limit, 120) - 1 - index;
    const [open, close] = [(rate * wave(-back - 1)) / last, (rate * wave(-back)) / last];
    const reach = rate * 0.0025 * (1 + Math.abs(Math.sin(back)));
    return {
      open_time: new Date(lastMs - back * lengthMs).toISOString(),
      ...{ open, close, high: Math.max(open, close) + reach, low: Math.min(open, close) - reach },
    };
  });
}

const CREDENTIAL: CredentialView = {
  name: 'default',
  active: true,
  client_id: 'client-7f3a',
  app_name: 'Price watcher',
  origin: 'self-made',
  registered: true,
  method: 'client_secret',
  dpop: false,
  servers: ['http://localhost:8000'],
  scope: null,
  has_token: true,
  token_expires_at: null,
  token_scope: 'currency:read',
  renewal: { last_at: null, next_at: null, last_error: null },
  secret: { count: 1, expires_at: null, rotated_at: null, next_rotation_at: null, last_error: null },
  last_error: null,
};

const STREAM: StreamView = {
  state: 'live',
  transport: 'websocket',
  seq: 1_042,
  since: null,
  next_attempt_at: null,
  last_error: null,
  data_age_seconds: 0,
};

const SERVER: ServerView = {
  url: 'http://localhost:8000',
  state: 'ok',
  circuit: 'closed',
  latency_ms: 3,
  in_flight: 1,
  last_ok_at: null,
  last_error: null,
  next_attempt_at: null,
};

const [MINUTE, DAY] = [60_000, 86_400_000];

function statusAt(at: (ms?: number) => string): Status {
  const renewal = { last_at: at(-14 * MINUTE), next_at: at(92 * MINUTE), last_error: null };
  return {
    credential_name: 'default',
    stream: { ...STREAM, since: at(-14 * MINUTE) },
    servers: [
      { ...SERVER, last_ok_at: at(-1_000) },
      {
        ...{ ...SERVER, url: 'http://localhost:8002', state: 'away', circuit: 'open', latency_ms: null, in_flight: 0 },
        ...{ last_ok_at: at(-5 * MINUTE), next_attempt_at: at(MINUTE), last_error: 'The connection was refused.' },
      },
    ],
    credentials: [
      { ...CREDENTIAL, token_expires_at: at(106 * MINUTE), renewal },
      {
        ...{ ...CREDENTIAL, name: 'billing', active: false, client_id: 'billing-machine', origin: 'configured' },
        ...{ dpop: true, token_expires_at: at(20 * MINUTE), renewal },
        secret: {
          ...{ count: 2, expires_at: at(9 * DAY), rotated_at: at(-DAY), next_rotation_at: at(6 * DAY) },
          last_error: 'The server has answered with status 503.',
        },
      },
    ],
    version: '0.1.0',
  };
}

const NAMES: readonly (readonly [symbol: string, name: string, rate: number, change: number])[] = [
  ['BTC', 'Bitcoin', 44_997.11, 0.42],
  ['ETH', 'Ethereum', 3_204.82, -1.31],
  ['SOL', 'Solana', 143.21, 2.08],
  ['XRP', 'XRP', 0.5512, -0.23],
  ['ADA', 'Cardano', 0.4987, 0],
  ['DOT', 'Polkadot', 7.2154, 0.95],
  ['LINK', 'Chainlink', 14.4623, -0.61],
  ['LTC', 'Litecoin', 69.87, 0.12],
  ['BCH', 'Bitcoin Cash', 251.3, 1.44],
  ['XLM', 'Stellar', 0.120412, -2.07],
  ['UNI', 'Uniswap', 6.4871, 0.31],
  ['DOGE', 'Dogecoin', 0.080112, 3.9],
  ['AVAX', 'Avalanche', 35.0211, -0.08],
];

/** The market as it begins, made just now. */
export const freshRates = (): readonly Rate[] =>
  NAMES.map(([symbol, name, rate, change]) => ({
    ...{ symbol, name, rate, change_24h: change },
    high_24h: rate * 1.021,
    low_24h: rate * 0.984,
    updated_at: new Date().toISOString(),
  }));
