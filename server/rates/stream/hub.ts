import { Problem } from '../../../kit/http/problem';
import { createFrames, type Tick } from './frames';
import { createReplay } from './replay';
import type { Selection } from './selection';
import { createSubscriber, type End, type Kind, type Lease, type Line, type Subscriber } from './subscriber';

/** All open streams of one server. */
export interface Hub {
  /** Asks for room for one more stream of this client. @throws Problem 429, 503 */
  requireRoom(clientId: string): void;
  /** Opens a stream; the first message goes out before this returns. */
  join<Frame>(line: Line<Frame>, opening: Opening): Subscriber;
  /** Its connection is gone. */
  leave(subscriber: Subscriber): void;
  /** Ends a stream, and counts it. */
  cut(subscriber: Subscriber, why: End): void;
  /** Sends heartbeats, and ends the streams whose tokens have ended or that do not read; call it every {@link BEAT_MS}. */
  beat(): void;
  /** Tells everybody when to come back, ends all streams and lets no more in. */
  close(): void;
  /** Open streams by kind. */
  counts(): Readonly<Record<Kind, number>>;
}

/** How a stream begins. */
export interface Opening {
  readonly lease: Lease;
  readonly selection: Selection;
  /** The last tick that an earlier stream of the same caller had. */
  readonly lastSeq?: number | null;
}

/** What the hub stands on. */
export interface HubOptions {
  readonly feed: {
    snapshot(): Tick;
    follow(hear: (tick: Tick) => void): void;
  };
  /** Counts a stream that was cut. */
  readonly cut: (why: End) => void;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  /** 0 to 1, 1 excluded. */
  readonly random: () => number;
}

/** Open streams of one client. */
export const STREAMS_PER_CLIENT_MAX = 250;

/** Open streams of one server. */
export const STREAMS_MAX = 20_000;

/** How often it is looked which tokens have ended: a revocation bites within a second. */
export const BEAT_MS = 250;

/** So many are sent a tick before others have their turn: to send is mostly the system's work, some 15 µs each. */
const SLICE = 1_000;

/** Nobody needs to come back before a restarted server listens. */
const RECONNECT_AFTER_MS = 500;

/** So many callers a second may come back: each costs a signature to be verified. */
const RECONNECTS_PER_SECOND = 500;

const SECOND_MS = 1_000;

/** Fans the feed out, from memory to memory: no stream touches the database, and none waits for another. */
export function createHub({ feed, cut: counted, elapsed, random }: HubOptions): Hub {
  const subscribers = new Set<Subscriber>();
  const byClient = new Map<string, number>();
  const frames = createFrames();
  const replay = createReplay();
  const newest = (): Tick => feed.snapshot();
  let closed = false;
  const fanOut = (left: Subscriber[]): void => {
    for (const subscriber of left.splice(0, SLICE)) if (subscribers.has(subscriber)) subscriber.advance();
    if (left.length > 0) setImmediate(fanOut, left);
  };
  feed.follow((tick) => {
    replay.add(tick);
    fanOut([...subscribers]);
  });
  const count = (clientId: string, change: 1 | -1): void => {
    const streams = (byClient.get(clientId) ?? 0) + change;
    if (streams > 0) byClient.set(clientId, streams);
    else byClient.delete(clientId);
  };
  const leave = (subscriber: Subscriber): void => {
    if (subscribers.delete(subscriber)) count(subscriber.clientId, -1);
  };
  const cut = (subscriber: Subscriber, why: End): void => {
    leave(subscriber);
    counted(why);
    subscriber.end(why);
  };
  const dismiss = (subscriber: Subscriber, spanMs: number): void => {
    leave(subscriber);
    subscriber.dismiss(Math.floor(RECONNECT_AFTER_MS + random() * spanMs));
  };
  return {
    requireRoom: (clientId) => {
      if (closed) throw stopping();
      if (subscribers.size >= STREAMS_MAX) throw full();
      if ((byClient.get(clientId) ?? 0) >= STREAMS_PER_CLIENT_MAX) throw tooManyOfOne();
    },
    join: (line, { lease, selection, lastSeq = null }) => {
      const missed = lastSeq === null ? null : replay.after(lastSeq);
      const resumed = lastSeq === null || missed === null ? null : { seq: lastSeq, missed };
      const later = (goOn: () => void): void =>
        void setImmediate(() => {
          if (subscribers.has(subscriber)) goOn();
        });
      const subscriber = createSubscriber({ line, lease, frames, newest, elapsed, selection, resumed, later });
      subscribers.add(subscriber);
      count(lease.clientId, 1);
      if (closed) dismiss(subscriber, SECOND_MS);
      else subscriber.advance();
      return subscriber;
    },
    leave,
    cut,
    beat: () => {
      for (const subscriber of subscribers) {
        const end = subscriber.beat();
        if (end !== null) cut(subscriber, end);
      }
    },
    close: () => {
      closed = true;
      const spanMs = SECOND_MS + (subscribers.size * SECOND_MS) / RECONNECTS_PER_SECOND;
      for (const subscriber of subscribers) dismiss(subscriber, spanMs);
    },
    counts: () => {
      const counts = { websocket: 0, events: 0 };
      for (const { kind } of subscribers) counts[kind] += 1;
      return counts;
    },
  };
}

function stopping(): Problem {
  return new Problem(503, 'Service Unavailable', 'This server is stopping.', { 'retry-after': '1' });
}

function full(): Problem {
  return new Problem(503, 'Service Unavailable', 'This server has as many streams as it can take.', {
    'retry-after': '30',
  });
}

function tooManyOfOne(): Problem {
  const detail = `This client has ${STREAMS_PER_CLIENT_MAX} streams open, which is the most: close one first.`;
  return new Problem(429, 'Too Many Requests', detail, { 'retry-after': '10' });
}
