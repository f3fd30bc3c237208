/** Follows the stream of a server: over WebSocket, where there is none as server-sent events, and where there is neither it leaves the rates to be fetched. Apart from rates/, which holds what comes. */
import { backoffMs } from '../../kit/backoff';
import type { Log } from '../../kit/logs';
import type { CredentialSession } from '../credentials/session';
import type { Clock, Fetch, OpenSocket, Random, Schedule } from '../ports';
import type { Sink } from '../rates/sink';
import type { Channel } from './channel';
import { connect, type Way } from './connect';
import { createLink, type End, type Link } from './link';

/** How the connection is; times in milliseconds since the epoch. */
export interface FollowerState {
  /** `polling`: the server has no stream. `lost`: it is tried again. */
  readonly phase: 'idle' | 'connecting' | 'live' | 'polling' | 'lost';
  readonly transport: Channel['transport'] | 'polling' | null;
  /** Since when it is so. */
  readonly sinceMs: number;
  readonly nextAttemptAtMs: number | null;
  readonly lastError: string | null;
}

/** The follower of one client. */
export interface Follower {
  state(): FollowerState;
  start(): void;
  /** Connects anew, with whatever credential is in use now. */
  restart(): void;
  stop(): void;
}

/** What {@link createFollower} needs. */
export interface FollowerDeps {
  /** The credential in use. */
  readonly session: () => CredentialSession;
  readonly openSocket: OpenSocket;
  readonly fetch: Fetch;
  readonly sink: Sink;
  /** Told when rates no longer come by themselves: they are to be fetched. */
  readonly stopped: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly log: Log;
}

/** A server without a stream is asked for one so often, and one without WebSockets for these, in milliseconds: it may be updated. */
export const PLAIN_MS = 300_000;

/** Connections that last so long, in milliseconds, are no sign of trouble when they end. */
const GOOD_MS = 30_000;

/** All who lose a server at once come back within this time, in milliseconds. */
const SPREAD_MS = 500;

/** RFC 6455 §7.4.2: the token has ended or was revoked. */
const TOKEN_ENDED = 4401;

const IDLE: FollowerState = { phase: 'idle', transport: null, sinceMs: 0, nextAttemptAtMs: null, lastError: null };

/** A follower that waits for its start. */
export function createFollower(deps: FollowerDeps): Follower {
  const { clock, random, schedule, session, sink, log } = deps;
  let state = IDLE;
  let link: Link | null = null;
  let failures = 0;
  let socketsAgainElapsedMs = 0;
  let cancelTimer = (): void => {};

  const set = (change: Omit<FollowerState, 'sinceMs'>): void => {
    state = { ...change, sinceMs: change.phase === state.phase ? state.sinceMs : clock.now() };
  };
  const forget = (): void => {
    cancelTimer();
    link?.close();
    link = null;
  };
  const again = (waitMs: number, phase: 'lost' | 'polling', lastError: string | null): void => {
    forget();
    const transport = phase === 'polling' ? phase : null;
    set({ phase, transport, nextAttemptAtMs: clock.now() + waitMs, lastError });
    cancelTimer = schedule(Math.ceil(waitMs), () => void attempt());
  };
  const ended = ({ code, pauseMs, lastedMs, isOwn }: End): void => {
    failures = isOwn || lastedMs >= GOOD_MS ? 0 : failures + 1;
    // Another token mends it, if that was the reason; a server that says so every time is not to be stormed.
    const isMended = failures <= (code === TOKEN_ENDED ? 1 : 0);
    const waitMs = isOwn ? 0 : isMended ? random() * SPREAD_MS : backoffMs(failures, null, random);
    log.debug('the stream has ended', { 'stream.code': code, 'stream.failures': failures });
    again(Math.max(waitMs, pauseMs), 'lost', isOwn ? null : sayEnd(code));
    deps.stopped();
  };
  const attempt = async (): Promise<void> => {
    forget();
    if (state.phase !== 'polling') set({ ...state, phase: 'connecting', nextAttemptAtMs: null });
    const using = session();
    const mine = createLink({ ...deps, session: using, isCurrent: () => session() === using, ended });
    link = mine;
    const sockets = clock.elapsed() >= socketsAgainElapsedMs;
    const way = await connect({ ...deps, session: using, listener: mine.listener, sockets, lastSeq: sink.seq() });
    if (link === mine) go(way, mine);
    else if (way.kind === 'open') way.channel.close();
  };
  const failed = ({ reason, askedMs, waitMs }: Extract<Way, { kind: 'failed' }>): void => {
    failures += 1;
    again(Math.max(backoffMs(failures, askedMs, random), waitMs), 'lost', reason);
  };
  const opened = ({ channel, token }: Extract<Way, { kind: 'open' }>, mine: Link): void => {
    const { transport } = channel;
    if (transport === 'events') socketsAgainElapsedMs = clock.elapsed() + PLAIN_MS;
    set({ phase: 'live', transport, nextAttemptAtMs: null, lastError: null });
    mine.opened(channel, token);
  };
  const go = (way: Way, mine: Link): void => {
    if (way.kind === 'open') opened(way, mine);
    else if (way.kind === 'failed') failed(way);
    else again(PLAIN_MS, 'polling', null);
  };
  return {
    state: () => state,
    start: () => void attempt(),
    restart() {
      if (state.phase !== 'idle') again(0, 'lost', null);
    },
    stop() {
      forget();
      set(IDLE);
    },
  };
}

function sayEnd(code: number | null): string {
  if (code === TOKEN_ENDED) return 'The server has ended the stream: the token has ended or was revoked.';
  return code === null ? 'The stream has ended.' : `The stream has ended (${code}).`;
}
