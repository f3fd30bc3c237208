import type { Wire } from './frames';
import type { Hub, Opening } from './hub';
import type { Line, Subscriber } from './subscriber';

/** What one stream of events stands on. */
export interface EventsOptions extends Opening {
  readonly hub: Hub;
  /** Has the connection closed soon, though the caller does not read; in seconds. */
  readonly timeout: (seconds: number) => void;
}

/** Headers of a stream of events: nobody keeps it, and no proxy gathers it before passing it on. */
export const EVENTS_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

/** What a browser waits before it comes back by itself, unless a `shutdown` says otherwise. */
const RETRY_MS = 2_000;

const encoder = new TextEncoder();

/** A message as an event (HTML §9.2.6): rates with their `seq` as id, so that `Last-Event-ID` says where to go on. */
const wire: Wire<Uint8Array> = (head, json) => {
  const data = `data: ${json}\n\n`;
  switch (head.type) {
    case 'snapshot':
    case 'update':
      return encoder.encode(`id: ${head.seq}\nevent: ${head.type}\n${data}`);
    case 'shutdown':
      return encoder.encode(`event: shutdown\nretry: ${head.reconnect_after_ms}\n${data}`);
    default:
      return encoder.encode(`: ${head.type}\n\n`);
  }
};

/**
 * A stream of events. It is asked for the next event when the one before has left, so that no more than one waits here for
 * a caller who does not read. Whoever leaves before he is sent anything was never let in.
 */
export function openEvents({ hub, timeout, ...opening }: EventsOptions): ReadableStream<Uint8Array> {
  let subscriber: Subscriber | null = null;
  let isAsked = false;
  const lineOf = (controller: ReadableStreamDefaultController<Uint8Array>): Line<Uint8Array> => ({
    kind: 'events',
    wire,
    send: (frame) => {
      isAsked = false;
      controller.enqueue(frame);
      return isAsked;
    },
    end: () => {
      controller.close();
      if (!isAsked) timeout(CUT_SECONDS);
    },
  });
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`)),
      pull: (controller) => {
        isAsked = true;
        if (subscriber === null) subscriber = hub.join(lineOf(controller), opening);
        else subscriber.drained();
      },
      cancel: () => {
        if (subscriber !== null) hub.leave(subscriber);
      },
    },
    { highWaterMark: 0 },
  );
}

/** A stream that has ended is closed after this time though not all of it was read; in seconds. */
const CUT_SECONDS = 1;

/** `Last-Event-ID` → the tick that was had; null for what never was an id of ours. */
export function lastSeqOf(header: string | null): number | null {
  return header !== null && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
