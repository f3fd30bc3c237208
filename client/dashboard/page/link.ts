/** The page's own connection to the client: server-sent events, and while they are not to be had, questions. */
import type { Api } from './api';
import { type EventsDeps, openEvents } from './events';
import type { Market } from './market';
import type { Rate, Status } from './model';

/** How the page hears the client; times by {@link LinkDeps.elapsed}. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** It answers, but gives no events. */
  | { readonly kind: 'asking' }
  | { readonly kind: 'lost'; readonly nextAttemptMs: number };

/** What is known of the client. */
export interface Heard {
  readonly link: LinkState;
  readonly status: Status | null;
  /** How old the rates were at `dataMs`; null: there are none yet. */
  readonly dataAgeMs: number | null;
  readonly dataMs: number;
  /**
   * What the client's clock says when {@link LinkDeps.elapsed} says 0, in milliseconds since the epoch. The clock of the
   * page's machine, which may be wrong and may be set while the page is open, does not come into it.
   */
  readonly clientStartMs: number;
}

/** The connection. */
export interface Link {
  heard(): Heard;
  /** Tries at once, when it is not open. */
  retry(): void;
  /** Puts in what an action has changed, before the client tells it by itself; which it will, should this not be answered. */
  askStatus(): Promise<void>;
  follow(listener: () => void): () => void;
  close(): void;
}

/** What {@link createLink} needs. */
export interface LinkDeps extends EventsDeps {
  readonly api: Api;
  readonly market: Market;
  /** Milliseconds since the epoch, by the page's machine: good enough until the client has told the time. */
  readonly now: () => number;
  readonly signedOut: () => void;
}

/** Pauses between attempts: from a second, doubled up to that. */
const PAUSE_MS_MAX = 16_000;

const NOTHING: Omit<Heard, 'clientStartMs'> = {
  link: { kind: 'connecting' },
  status: null,
  dataAgeMs: null,
  dataMs: 0,
};

/** Opens it, and keeps it open until it is closed. */
export function createLink(deps: LinkDeps): Link {
  const { api, elapsed, schedule } = deps;
  const listeners = new Set<() => void>();
  let heard: Heard = { ...NOTHING, clientStartMs: deps.now() - elapsed() };
  let stop = (): void => {};
  let failures = 0;
  const put = (change: Partial<Heard>): void => {
    heard = { ...heard, ...change };
    for (const listener of listeners) listener();
  };
  const takeStatus = (status: Status): void => put({ status, ...dataOf(status, elapsed()) });
  const signedOut = (): void => {
    stop();
    deps.signedOut();
  };
  const listen = (): void => {
    stop();
    const alive = (): void => {
      failures = 0;
      if (heard.link.kind !== 'open') put({ link: { kind: 'open' } });
    };
    stop = openEvents(deps, { ...teller(deps, put), alive, status: takeStatus, signedOut, lost: () => void find() });
  };
  /** Whether it is gone, wants a password, or gives no events. */
  const find = async (): Promise<void> => {
    const pauseMs = Math.min(PAUSE_MS_MAX, 1_000 * 2 ** failures);
    failures += 1;
    let overtaken = false;
    const cancel = schedule(pauseMs, listen);
    stop = () => {
      overtaken = true;
      cancel();
    };
    const lost: LinkState = { kind: 'lost', nextAttemptMs: elapsed() + pauseMs };
    if (heard.link.kind !== 'asking') put({ link: lost });
    const answer = await ask(deps, heard.clientStartMs);
    if (overtaken) return;
    if (answer === 'signed out') signedOut();
    else if (answer === null) put({ link: lost });
    else {
      takeStatus(answer);
      put({ link: { kind: 'asking' } });
    }
  };
  listen();
  return {
    heard: () => heard,
    retry: () => {
      if (heard.link.kind === 'open') return;
      failures = 0;
      listen();
    },
    askStatus: () => api.status().then(takeStatus, () => {}),
    follow: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => stop(),
  };
}

/** Puts the rates that are told into the market. */
function teller({ market, elapsed }: LinkDeps, put: (change: Partial<Heard>) => void) {
  return {
    snapshot: (rates: readonly Rate[], clientMs: number): void => {
      market.snapshot(rates, clientMs);
      put({ clientStartMs: clientMs - elapsed() });
    },
    update: (rates: readonly Rate[], clientMs: number): void => {
      market.update(rates, clientMs);
      put({ clientStartMs: clientMs - elapsed(), dataAgeMs: 0, dataMs: elapsed() });
    },
  };
}

function dataOf({ stream }: Status, nowMs: number): Pick<Heard, 'dataAgeMs' | 'dataMs'> {
  const seconds = stream.data_age_seconds;
  return { dataAgeMs: seconds === null ? null : seconds * 1_000, dataMs: nowMs };
}

/** Asks for what the events would tell; null: there is no answer. */
async function ask({ api, market, elapsed }: LinkDeps, clientStartMs: number): Promise<Status | 'signed out' | null> {
  try {
    const { required, signed_in } = await api.session();
    if (required && !signed_in) return 'signed out';
    const status = await api.status();
    const rates = await api.rates().catch(() => null);
    if (rates !== null) market.snapshot(rates, clientStartMs + elapsed());
    return status;
  } catch {
    return null;
  }
}
