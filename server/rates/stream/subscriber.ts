import type { Frames, Head, Tick, Wire } from './frames';
import type { Selection } from './selection';

/** Why a stream ends that its caller would have gone on with. */
export type End = 'token_ended' | 'too_slow' | 'too_many_messages' | 'going_away';

/** The kinds of streams. */
export type Kind = 'websocket' | 'events';

/** Where messages of one subscriber go. */
export interface Line<Frame> {
  readonly kind: Kind;
  readonly wire: Wire<Frame>;
  /** Takes one; false: it waits to be read, and `drained` is called when it has been. */
  send(frame: Frame): boolean;
  end(why: End): void;
}

/** What a stream stands on: a token, or one that took its place. */
export interface Lease {
  readonly clientId: string;
  isOver(): boolean;
}

/** A message that is no rates. */
export type Answer = Exclude<Head, { type: 'snapshot' | 'update' }>;

/** One open stream. */
export interface Subscriber {
  readonly kind: Kind;
  readonly clientId: string;
  /** Sends what there is to be sent, if everything before it has been read. */
  advance(): void;
  /** Everything has been read. */
  drained(): void;
  /** Other currencies from now on: a fresh snapshot comes first. */
  select(selection: Selection): void;
  /** It stands on another token from now on. */
  stand(lease: Lease): void;
  /** Answers a message of the caller. */
  answer(message: Answer): void;
  /** Sends a heartbeat when one is due. @returns why the stream must end, or null. */
  beat(): End | null;
  /** Says goodbye to whoever listens, and ends the stream. */
  dismiss(reconnectAfterMs: number): void;
  end(why: End): void;
}

/** What a subscriber is made of. */
export interface SubscriberOptions<Frame> {
  readonly line: Line<Frame>;
  readonly lease: Lease;
  readonly frames: Frames;
  readonly newest: () => Tick;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly selection: Selection;
  /** What was missed since an earlier connection, and where that one ended; null: it starts with a snapshot. */
  readonly resumed?: { readonly seq: number; readonly missed: readonly Tick[] } | null;
  /** Calls back when others have had their turn, unless the stream is gone by then. */
  readonly later: (goOn: () => void) => void;
}

/** Of ticks that were missed, so many rates are sent before others have their turn: that takes about a millisecond. */
const PORTION_RATES = 1_000;

/** Something is sent at least this often: server-sent events promise ten seconds, and it is looked four times a second. */
export const HEARTBEAT_MS = 9_500;

/** Whoever has not read for so long what waits for him is cut. */
export const STALLED_MS = 10_000;

/**
 * A subscriber gets the next message when he has read the one before, so that at most one waits for him here: the ticks
 * that come while it does are folded into one update with the latest rates, `from_seq` being the last that he had.
 */
export function createSubscriber<Frame>(options: SubscriberOptions<Frame>): Subscriber {
  const { line, frames, newest, elapsed, resumed = null, later } = options;
  let { lease, selection } = options;
  let had: Pick<Tick, 'seq' | 'catalogueVersion'> | null =
    resumed === null ? null : { seq: resumed.seq, catalogueVersion: newest().catalogueVersion };
  let resting = false;
  let sentMs = elapsed();
  let waitingSinceMs: number | null = null;

  const send = (frame: Frame): void => {
    sentMs = elapsed();
    if (!line.send(frame)) waitingSinceMs ??= sentMs;
  };
  const rest = (): void => {
    resting = true;
    later(() => {
      resting = false;
      advance();
    });
  };
  let nextMissed = inPortions(resumed?.missed ?? [], rest);
  const next = (): Frame | null => {
    const latest = newest();
    if (had === null || had.catalogueVersion !== latest.catalogueVersion) {
      nextMissed = () => undefined;
      had = latest;
      return frames.snapshot(line.wire, latest, selection);
    }
    const tick = nextMissed() ?? latest;
    const { seq } = had;
    if (tick.seq <= seq) return null;
    had = tick;
    return frames.update(line.wire, tick, selection, seq);
  };
  const advance = (): void => {
    while (waitingSinceMs === null && !resting) {
      const frame = next();
      if (frame === null) return;
      send(frame);
    }
  };
  const say = (message: Answer): void => send(line.wire(message, JSON.stringify(message)));
  return {
    kind: line.kind,
    clientId: lease.clientId,
    advance,
    drained: () => {
      waitingSinceMs = null;
      advance();
    },
    select: (wanted) => {
      selection = wanted;
      had = null;
      advance();
    },
    stand: (on) => {
      lease = on;
    },
    answer: say,
    beat: () => {
      if (lease.isOver()) return 'token_ended';
      const nowMs = elapsed();
      if (waitingSinceMs !== null) return nowMs - waitingSinceMs >= STALLED_MS ? 'too_slow' : null;
      if (nowMs - sentMs >= HEARTBEAT_MS) say({ type: 'heartbeat', seq: had?.seq ?? 0 });
      return null;
    },
    dismiss: (reconnectAfterMs) => {
      if (waitingSinceMs === null) say({ type: 'shutdown', reconnect_after_ms: reconnectAfterMs });
      line.end('going_away');
    },
    end: line.end,
  };
}

/** One tick after another, and `rest` at the end of each portion. */
function inPortions(ticks: readonly Tick[], rest: () => void): () => Tick | undefined {
  const left = ticks.values();
  let rates = 0;
  return () => {
    const tick = left.next().value;
    rates += tick?.rates.length ?? 0;
    if (rates >= PORTION_RATES) {
      rates = 0;
      rest();
    }
    return tick;
  };
}
