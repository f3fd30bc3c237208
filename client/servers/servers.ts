/** Several servers that stand for each other: which one is asked, and who is asked instead when it does not answer. Apart from auth/, which speaks with one of them. */
import { sayNetworkError } from '../auth/answer';
import type { TokenEndpoint } from '../auth/discovery';
import { TokenError } from '../auth/token';
import type { Clock, Deadline, Fetch, Random, Schedule } from '../ports';
import { createMember, type Member, type ServerHealth } from './member';
import { isPassing, weightier } from './trouble';

/** One of several servers. */
export interface Server {
  /** Base URL without a slash at the end. */
  readonly url: string;
  /** Its token endpoint, once its metadata were seen to name the issuer of the group (RFC 8414 §3.3). Rejects with `TokenError`. */
  endpoint(): Promise<TokenEndpoint>;
}

/** How far a piece of work may go. */
export interface RunOptions<T> {
  /** For all attempts together, in milliseconds; null: the work ends by itself, and where there is one server alone nothing is done about it. */
  readonly deadlineMs: number | null;
  /** True for a result that another server may better. The last one is given back all the same. */
  readonly again?: (result: T) => boolean;
  /** What becomes of a result that another server is asked to better. */
  readonly discard?: (result: T) => void;
  /** True when the work may be given to another server after this failure; else it is, whenever another one may do better. */
  readonly mayRepeat?: (error: unknown) => boolean;
  /** Ends the work whatever the deadline, and what is still read of its result. Of this piece of work alone: it is listened to from then on. */
  readonly signal?: AbortSignal | null;
}

/** Servers that name one issuer. */
export interface Servers {
  readonly urls: readonly string[];
  readonly issuer: string;
  /**
   * Does the work on the best server, and on the others in turn while it fails in a way in which they need not. The signal that the work
   * is given ends it in time for the next one; once the work is done, it stands for the caller's alone. Rejects as the work does.
   */
  run<T>(work: (server: Server, signal: AbortSignal) => Promise<T>, options: RunOptions<T>): Promise<T>;
  health(): readonly ServerHealth[];
  /** Begins to look after servers that nobody asks. */
  start(): void;
  /** Ends what goes on in the background. */
  close(): void;
}

/** What {@link createServers} needs. */
export interface ServersDeps {
  /** At least one. */
  readonly urls: readonly string[];
  readonly issuer: string;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
}

/** Least time that a server is given while there are others, in milliseconds: two lost packets are sent again in it. */
const SHARE_MIN_MS = 1_000;

/** For all attempts together where the work does not say, in milliseconds: servers answer from memory. */
export const ATTEMPTS_MS = 5_000;

const UNENDING = new AbortController().signal;

/** One group. Nothing is sent before it is asked or started. */
export function createServers(deps: ServersDeps): Servers {
  const { urls, issuer, clock, random, deadline } = deps;
  const members = urls.map((url) => createMember({ ...deps, url }));

  const attempt = async <T>(
    member: Member,
    work: (server: Server, signal: AbortSignal) => Promise<T>,
    shareMs: number,
    { again, signal }: RunOptions<T>,
  ): Promise<T> => {
    signal?.throwIfAborted();
    const ending = new AbortController();
    const limit = deadline(shareMs);
    const late = (): void => ending.abort(limit.reason);
    limit.addEventListener('abort', late, { once: true });
    const leave = (): void => ending.abort(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await member.call(() => work(inTime(member, ending.signal), ending.signal), again);
    } catch (error) {
      signal?.removeEventListener('abort', leave);
      throw error;
    } finally {
      limit.removeEventListener('abort', late);
    }
  };

  return {
    urls,
    issuer,
    async run(work, options) {
      const [only] = members;
      // Every call to a single server goes this way: what is for others to take over costs as much as a small request.
      if (members.length === 1 && only !== undefined && options.deadlineMs === null)
        return only.call(() => work(only, UNENDING), options.again);
      const endElapsedMs = clock.elapsed() + (options.deadlineMs ?? ATTEMPTS_MS);
      const isLeft = (): boolean => !options.signal?.aborted;
      let trouble: unknown = null;
      let others: readonly Member[] = members;
      while (others.length > 0 && (trouble === null || clock.elapsed() < endElapsedMs)) {
        const member = best(others, random);
        others = others.filter((other) => other !== member);
        const leftMs = endElapsedMs - clock.elapsed();
        const shareMs = Math.max(leftMs / (others.length + 1), Math.min(leftMs, SHARE_MIN_MS));
        try {
          const result = await attempt(member, work, shareMs, options);
          const isEnd = others.length === 0 || clock.elapsed() >= endElapsedMs;
          if (isEnd || !options.again?.(result)) return result;
          options.discard?.(result);
        } catch (error) {
          const goesOn = isLeft() && isPassing(error) && (options.mayRepeat?.(error) ?? true);
          if (!goesOn) throw error;
          trouble = weightier(trouble, error);
        }
      }
      throw trouble;
    },
    health: () => members.map((member) => member.health()),
    start: () => {
      // The only one is asked all the time, and asking it twice tells no more.
      if (members.length > 1) for (const member of members) member.watch();
    },
    close: () => {
      for (const member of members) member.close();
    },
  };
}

/** The server to one who has only so much time: its metadata may take longer, and are then there for the next one. */
function inTime({ url, endpoint }: Server, signal: AbortSignal): Server {
  return {
    url,
    endpoint: () =>
      new Promise((resolve, reject) => {
        const late = (): void =>
          reject(new TokenError({ kind: 'unreachable', detail: sayNetworkError(signal.reason, new URL(url).origin) }));
        signal.addEventListener('abort', late, { once: true });
        endpoint()
          .then(resolve, reject)
          .finally(() => signal.removeEventListener('abort', late));
      }),
  };
}

/** The least loaded; one that did not answer last only when there is none that did, and then the one that has been silent for the longest time. */
function best(members: readonly Member[], random: Random): Member {
  const [only] = members;
  if (only !== undefined && members.length === 1) return only;
  const ranked = members.map((member) => ({ member, rank: member.rank(), load: member.load() * (0.5 + random()) }));
  return ranked.reduce((a, b) => ((b.rank - a.rank || b.load - a.load) < 0 ? b : a)).member;
}
