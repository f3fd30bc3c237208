import type { AccessToken } from '../auth/token';
import type { CredentialSession } from '../credentials/session';
import type { Clock, Schedule } from '../ports';
import type { Sink } from '../rates/sink';
import type { Channel, Listener } from './channel';
import { type News, readMessage } from './messages';

/** How a link came to its end. */
export interface End {
  /** Close code of the WebSocket (RFC 6455 §7.4), or null. */
  readonly code: number | null;
  /** Pause that the server asked for before it closed, in milliseconds. */
  readonly pauseMs: number;
  /** How long it was open, in milliseconds. */
  readonly lastedMs: number;
  /** True when it was not trouble that ended it: another credential or another token asks for another one. */
  readonly isOwn: boolean;
}

/** One connection, from the moment that it is asked for. */
export interface Link {
  readonly listener: Listener;
  /** To be called when the channel is open, with the token that it was opened with. */
  opened(channel: Channel, token: AccessToken): void;
  /** Ends it; nothing is told any more. */
  close(): void;
}

/** What {@link createLink} needs. */
export interface LinkDeps {
  readonly session: CredentialSession;
  /** False when another credential is in use by now. */
  readonly isCurrent: () => boolean;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Told once, unless it was closed before. */
  readonly ended: (end: End) => void;
}

/** Servers send a sign of life every ten seconds; when it is late by half of that the connection is taken for broken. */
export const QUIET_MS = 15_000;

/** How often it is looked whether something came, and whether another credential is in use, in milliseconds. */
const LOOK_MS = 1_000;

/** A token is followed by the next when so much of its life has passed: it was renewed by then, at 0.9 of it. */
const SHOW_AT = 0.93;

/** While there is no newer token yet it is looked for so often, in milliseconds. */
const SHOW_AGAIN_MS = 2_000;

/** A link that is not open yet. */
export function createLink({ session, isCurrent, sink, clock, schedule, ended }: LinkDeps): Link {
  let channel: Channel | null = null;
  let openedElapsedMs = 0;
  let heardElapsedMs = 0;
  let pauseMs = 0;
  let isOver = false;
  let cancelLook = (): void => {};
  let cancelShow = (): void => {};

  const close = (): void => {
    isOver = true;
    cancelLook();
    cancelShow();
    channel?.close();
  };
  const end = (code: number | null, isOwn: boolean): void => {
    if (isOver) return;
    close();
    ended({ code, pauseMs, isOwn, lastedMs: channel === null ? 0 : clock.elapsed() - openedElapsedMs });
  };
  const look = (): void => {
    if (!isCurrent()) end(null, true);
    else if (clock.elapsed() - heardElapsedMs >= QUIET_MS) end(null, false);
    else cancelLook = schedule(LOOK_MS, look);
  };
  const show = (token: AccessToken): void => {
    const dueMs = token.obtainedAtMs + (token.expiresAtMs - token.obtainedAtMs) * SHOW_AT - clock.now();
    cancelShow = schedule(Math.ceil(Math.max(SHOW_AGAIN_MS, dueMs)), () => void follow(token));
  };
  const follow = async (token: AccessToken): Promise<void> => {
    // Why there is none is told by who renews it; until it ends, this one serves.
    const next = await session.tokens.token().catch(() => token);
    if (isOver) return;
    if (next.value === token.value) show(token);
    else if (channel?.authorize(next.value)) show(next);
    else end(null, true);
  };
  const hear = (text: string): void => {
    if (isOver) return;
    heardElapsedMs = clock.elapsed();
    const news = text === '' ? ALIVE : readMessage(text);
    if (news?.kind === 'shutdown') pauseMs = news.reconnectAfterMs;
    if (news === null || (!take(sink, news) && !channel?.askAll())) end(null, false);
  };
  return {
    listener: { message: hear, closed: (code) => end(code, false) },
    opened(open, token) {
      channel = open;
      [openedElapsedMs, heardElapsedMs] = [clock.elapsed(), clock.elapsed()];
      look();
      show(token);
    },
    close,
  };
}

/** A comment among server-sent events. */
const ALIVE: News = { kind: 'answer' };

/** @returns false when something is missing between what is held and what came. */
function take(sink: Sink, news: News): boolean {
  const heldSeq = sink.seq() ?? -1;
  switch (news.kind) {
    case 'snapshot':
      // A replica that is behind is heard again when it has caught up.
      sink.all(news.seq, news.rates);
      return true;
    case 'update':
      return sink.some(news.fromSeq, news.seq, news.rates) || news.seq <= heldSeq;
    case 'heartbeat':
      return sink.same(news.seq) || news.seq < heldSeq;
    case 'shutdown':
    case 'answer':
      return true;
  }
}
