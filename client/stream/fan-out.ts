import type { Clock, Schedule } from '../ports';
import type { Change, Feed } from '../rates/feed';
import type { RatesEvent } from './model';

/** Everybody who follows the rates through this client. */
export interface FanOut {
  /** A body of events from now on; null: there are {@link READERS_MAX} already. */
  open(caller: Caller): Reading | null;
  /** Ends all of them, so that the program can stop. */
  close(): void;
}

/** What becomes of the one who asked for events. */
export interface Caller {
  /** Called when nobody reads the body any more. */
  readonly ended: () => void;
  /** Called when the body has ended and he does not read it: has his connection closed soon. */
  readonly cut: () => void;
}

/** One who follows. */
export interface Reading {
  readonly body: ReadableStream<Uint8Array>;
  /** Tells him that his session has ended, and ends the body. */
  signOut(): void;
}

/** What {@link createFanOut} needs. */
export interface FanOutDeps {
  readonly feed: Pick<Feed, 'state' | 'follow'>;
  /** The state of the client, as it is told. */
  readonly report: () => object;
  /** Of the report, what is told at once when it changes; the rest is told now and then. */
  readonly matters: () => unknown;
  readonly clock: Clock;
  readonly schedule: Schedule;
}

/** Who follows at a time: far more browsers than a machine has people. */
export const READERS_MAX = 100;

/** Frames that wait for one reader; beyond that he gets all rates anew in place of them. */
const WAITING_MAX = 32;

/** How often it is looked whether the state has changed, in milliseconds. */
const LOOK_MS = 1_000;

/** How often the state is told all the same, in looks: five seconds, which also shows that the connection is alive. */
const TOLD_EVERY = 5;

/** What a browser waits before it comes back by itself, in milliseconds. */
const RETRY_MS = 2_000;

const encoder = new TextEncoder();

interface Reader {
  push(frame: Uint8Array): void;
  end(last: Uint8Array | null): void;
}

/** A fan-out that nobody follows yet. Each frame is written once for all. */
export function createFanOut({ feed, report, matters, clock, schedule }: FanOutDeps): FanOut {
  const readers = new Set<Reader>();
  let cancelLook = (): void => {};
  let looks = 0;
  let told = '';

  const all = (): Uint8Array | null => {
    const { last } = feed.state();
    return last === null ? null : ratesFrame({ type: 'snapshot', seq: last.seq, rates: [...last.rates], at: now() });
  };
  const now = (): string => new Date(clock.now()).toISOString();
  const status = (): Uint8Array => frame('status', report());
  const tell = (one: Uint8Array): void => {
    for (const reader of readers) reader.push(one);
  };
  const look = (): void => {
    const matter = JSON.stringify(matters());
    looks += 1;
    if (matter !== told || looks % TOLD_EVERY === 0) tell(status());
    told = matter;
    cancelLook = schedule(LOOK_MS, look);
  };
  const leave = (reader: Reader): void => {
    readers.delete(reader);
    if (readers.size === 0) cancelLook();
  };
  feed.follow((change) => {
    if (readers.size > 0) tell(ratesFrame(eventOf(change, now())));
  });
  return {
    open({ ended, cut }) {
      if (readers.size >= READERS_MAX) return null;
      const first = [encoder.encode(`retry: ${RETRY_MS}\n\n`), status(), all()].filter((one) => one !== null);
      const { reader, body } = createReader(
        first,
        () => all() ?? status(),
        () => {
          leave(reader);
          ended();
        },
        cut,
      );
      if (readers.size === 0) {
        told = JSON.stringify(matters());
        cancelLook = schedule(LOOK_MS, look);
      }
      readers.add(reader);
      return { body, signOut: () => reader.end(frame('signed_out', {})) };
    },
    close() {
      for (const reader of readers) reader.end(null);
    },
  };
}

/** Frames for one who reads as fast as he likes: one is given when the one before has left. `anew` stands for all that he is behind. */
function createReader(first: readonly Uint8Array[], anew: () => Uint8Array, gone: () => void, cut: () => void) {
  let waiting = [...first];
  let isBehind = false;
  let last: Uint8Array | null | undefined;
  let isWaiting = false;
  let wake = (): void => {};
  const next = (): Uint8Array | undefined => {
    if (!isBehind) return waiting.shift();
    isBehind = false;
    return anew();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const one = next();
          if (one !== undefined) return controller.enqueue(one);
          if (last !== undefined) break;
          isWaiting = true;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          isWaiting = false;
        }
        if (last !== null) controller.enqueue(last);
        controller.close();
        gone();
      },
      cancel: gone,
    },
    { highWaterMark: 0 },
  );
  const reader: Reader = {
    push(one) {
      // Who has been ended hears no more, and what a reader is behind is in the rates that he gets anew.
      if (last !== undefined || isBehind) return;
      if (waiting.length < WAITING_MAX) waiting.push(one);
      else [waiting, isBehind] = [[], true];
      wake();
    },
    end(end) {
      [waiting, isBehind, last] = [[], false, end];
      if (!isWaiting) cut();
      wake();
    },
  };
  return { reader, body };
}

function eventOf({ kind, fromSeq, seq, rates }: Change, at: string): RatesEvent {
  return kind === 'snapshot'
    ? { type: kind, seq, rates: [...rates], at }
    : { type: kind, from_seq: fromSeq, seq, rates: [...rates], at };
}

function ratesFrame(event: RatesEvent): Uint8Array {
  return frame(event.type, event, event.seq);
}

/** One event (WHATWG HTML §9.2.6). */
function frame(name: string, data: object, id: number | null = null): Uint8Array {
  const first = id === null ? '' : `id: ${id}\n`;
  return encoder.encode(`${first}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
