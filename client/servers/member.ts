import { backoffMs } from '../../kit/backoff';
import { sayNetworkError } from '../auth/answer';
import { discovery } from '../auth/discovery';
import { TokenError } from '../auth/token';
import { type Breaker, createBreaker } from './breaker';
import { createProbe, type Probe } from './probe';
import { createRecord, type Record } from './record';
import type { Server, ServersDeps } from './servers';
import { isPassing } from './trouble';

/** What is known of one server; times in milliseconds since the epoch. */
export interface ServerHealth {
  readonly url: string;
  /** `refused`: its metadata name another issuer, and it is told nothing. `unknown`: it was not asked yet. */
  readonly state: 'ok' | 'away' | 'refused' | 'unknown';
  /** `open`: it is asked only when no other one answers; `half_open`: it is being asked how it is. */
  readonly circuit: 'closed' | 'open' | 'half_open';
  /** How long its answers take of late; null: there were none. */
  readonly latencyMs: number | null;
  readonly inFlight: number;
  readonly lastOkAtMs: number | null;
  /** Why the last call failed; null after a success. */
  readonly lastError: string | null;
  /** When it is next asked how it is; null: there is no need. */
  readonly nextAttemptAtMs: number | null;
}

/** One server, and what calls to it came to. */
export interface Member extends Server {
  /** Counts the call; a result for which `failed` holds is a failure of the server. Rejects as the call. */
  call<T>(work: () => Promise<T>, failed?: (result: T) => boolean): Promise<T>;
  /** Lower is asked earlier: 0 for one that is well, above for how lately it failed. */
  rank(): number;
  /** Calls under way times how long one takes, in milliseconds. */
  load(): number;
  health(): ServerHealth;
  /** Asks it now and then how it is, whether there are calls or not. */
  watch(): void;
  close(): void;
}

/** What {@link createMember} needs. */
export interface MemberDeps extends Omit<ServersDeps, 'urls'> {
  readonly url: string;
}

/** A server that others stand beside is asked how it is so often, in milliseconds. */
export const WATCH_MS = 10_000;

/** What a server that was never asked is taken to need, in milliseconds, so that it is soon. */
const LATENCY_ASSUMED_MS = 1;

/** One server. Nothing is sent before it is called or watched. */
export function createMember(deps: MemberDeps): Member {
  const { url, issuer, clock, random } = deps;
  const find = discovery({ ...deps, serverUrl: url, issuer });
  const breaker = createBreaker();
  const record = createRecord(clock);
  let inFlight = 0;
  let isOther = false;
  let watched = false;

  const succeed = (beganElapsedMs: number): void => {
    record.succeed(beganElapsedMs);
    breaker.succeed();
  };
  /** @returns when to ask it how it is, in milliseconds. */
  const fail = (reason: string): number => backoffMs(record.fail(reason), null, random);
  const probe = createProbe({
    ...deps,
    well(beganElapsedMs) {
      // Its health says nothing of whose server it is.
      if (!isOther) succeed(beganElapsedMs);
      return watched ? WATCH_MS : null;
    },
    ill(reason) {
      breaker.open();
      return fail(reason);
    },
  });
  const failCall = async (reason: string): Promise<void> => {
    probe.ask(fail(reason));
    await breaker.fail();
  };
  return {
    url,
    async endpoint() {
      try {
        const endpoint = await find();
        isOther = false;
        return endpoint;
      } catch (error) {
        isOther = error instanceof TokenError && error.trouble.kind === 'wrong_issuer';
        throw error;
      }
    },
    async call(work, failed = () => false) {
      const began = clock.elapsed();
      inFlight += 1;
      try {
        const result = await work();
        if (failed(result)) await failCall('it answers that it cannot serve just now');
        else succeed(began);
        return result;
      } catch (error) {
        if (isPassing(error)) await failCall(sayFailure(error, url));
        throw error;
      } finally {
        inFlight -= 1;
      }
    },
    rank: () => (breaker.isOpen() || isOther ? 1 + (record.failure()?.elapsedMs ?? 0) : 0),
    load: () => (inFlight + 1) * Math.max(record.latencyMs() ?? 0, LATENCY_ASSUMED_MS),
    health: () => healthOf({ url, isOther, inFlight }, record, breaker, probe),
    watch() {
      watched = true;
      probe.ask(0);
    },
    close: probe.close,
  };
}

type Facts = Pick<ServerHealth, 'url' | 'inFlight'> & { readonly isOther: boolean };

function healthOf({ isOther, ...facts }: Facts, record: Record, breaker: Breaker, probe: Probe): ServerHealth {
  const failure = record.failure();
  const lastOkAtMs = record.lastOkAtMs();
  const answering = failure !== null ? 'away' : lastOkAtMs === null ? 'unknown' : 'ok';
  return {
    ...facts,
    state: isOther ? 'refused' : answering,
    circuit: !breaker.isOpen() ? 'closed' : probe.isAsking() ? 'half_open' : 'open',
    latencyMs: record.latencyMs(),
    lastOkAtMs,
    lastError: failure?.reason ?? null,
    nextAttemptAtMs: failure === null ? null : probe.nextAtMs(),
  };
}

function sayFailure(error: unknown, url: string): string {
  return error instanceof TokenError ? error.message : sayNetworkError(error, new URL(url).origin);
}
