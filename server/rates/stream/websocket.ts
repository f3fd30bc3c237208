import type { ServerWebSocket, WebSocketHandler } from 'bun';
import { Problem } from '../../../kit/http/problem';
import type { Wire } from './frames';
import type { Hub } from './hub';
import type { StreamRequest } from './model';
import { readRequest } from './requests';
import { type Selection, select } from './selection';
import type { End, Lease, Line, Subscriber } from './subscriber';

/** A lease that can be prolonged while it lasts. */
export interface RenewableLease extends Lease {
  /** Milliseconds since the epoch. */
  readonly endsMs: number;
  /** The same under another token; null when that is not good for it. */
  renew(token: string): Promise<RenewableLease | null>;
}

/** What one socket stands on. */
export interface SocketOptions {
  readonly hub: Hub;
  readonly lease: RenewableLease;
  readonly selection: Selection;
  /** Symbols that may be asked for. */
  readonly everListed: () => ReadonlySet<string>;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
}

type SubscribeRequest = Extract<StreamRequest, { type: 'subscribe' }>;
type AuthorizeRequest = Extract<StreamRequest, { type: 'authorize' }>;
type Socket = ServerWebSocket<unknown>;

/** What the listening server calls for one socket. */
export type SocketEvents = Pick<WebSocketHandler<unknown>, 'message' | 'drain'> & {
  open(socket: Socket): void;
  close(socket: Socket): void;
};

/** Largest message that a caller may send, in bytes; a larger one closes the connection (1009). */
const MESSAGE_BYTES_MAX = 32 * 1024;

/** Messages that a caller may send in a period; one more closes the connection (1008). */
const MESSAGES_MAX = 50;
const MESSAGES_PERIOD_MS = 10_000;

/** What may wait here for a caller who sends and does not read: some answers, or one message with thousands of rates. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Bounds of all sockets of a server, whatever they are for. */
export const SOCKET_LIMITS = {
  maxPayloadLength: MESSAGE_BYTES_MAX,
  /** Whoever is sent nothing and does not answer pings for so long is gone; in seconds. With ticks under way the system finds out. */
  idleTimeout: 30,
  /** Never reached: what waits is bounded above, before it is sent. */
  backpressureLimit: 4 * WAITING_BYTES_MAX,
  closeOnBackpressureLimit: false,
  /** A compressor for each of thousands of sockets would be most of the memory. */
  perMessageDeflate: false,
};

/** Close codes (RFC 6455 §7.4; 4000 to 4999 are ours). */
const CLOSES: Readonly<Record<End, readonly [code: number, reason: string]>> = {
  token_ended: [4401, 'token ended'],
  too_slow: [4408, 'too slow'],
  too_many_messages: [1008, 'too many messages'],
  going_away: [1001, 'going away'],
};

/** A socket is sent the messages as they are. */
const wire: Wire<string> = (_head, json) => json;

/** The events of one socket. */
export function createSocket({ hub, lease, selection, everListed, elapsed }: SocketOptions): SocketEvents {
  let subscriber: Subscriber | null = null;
  let current = lease;
  const isTooMany = createPace(elapsed);
  const authorize = async (on: Subscriber, { id, token }: AuthorizeRequest): Promise<void> => {
    const renewed = await current.renew(token);
    if (renewed === null) {
      on.answer({ type: 'error', id, detail: NOT_RENEWED });
      return;
    }
    current = renewed;
    on.stand(renewed);
    on.answer({ type: 'authorized', id, expires_at: new Date(renewed.endsMs).toISOString() });
  };
  const subscribe = (on: Subscriber, { id, symbols = [] }: SubscribeRequest): void => {
    const wanted = attempt(() => select(symbols, everListed()));
    if (typeof wanted === 'string') {
      on.answer({ type: 'error', id, detail: wanted });
      return;
    }
    on.answer({ type: 'subscribed', id, symbols: [...(wanted.symbols ?? [])] });
    on.select(wanted);
  };
  const hear = async (on: Subscriber, text: string): Promise<void> => {
    const received = readRequest(text);
    if (!('request' in received)) on.answer({ type: 'error', ...received });
    else if (received.request.type === 'authorize') await authorize(on, received.request);
    else subscribe(on, received.request);
  };
  return {
    open: (socket) => {
      subscriber = hub.join(lineOf(socket), { lease, selection });
    },
    message: (socket, message) => {
      if (subscriber === null) return;
      if (isTooMany()) return hub.cut(subscriber, 'too_many_messages');
      if (socket.getBufferedAmount() > WAITING_BYTES_MAX) return hub.cut(subscriber, 'too_slow');
      if (typeof message === 'string') return hear(subscriber, message);
      subscriber.answer({ type: 'error', id: null, detail: 'Messages are JSON texts.' });
    },
    drain: (socket) => {
      // Called for each part that was read, too.
      if (socket.getBufferedAmount() === 0) subscriber?.drained();
    },
    close: () => {
      if (subscriber !== null) hub.leave(subscriber);
    },
  };
}

const NOT_RENEWED =
  'The token is not good for this connection: it must be in force, of the same client, for the same resource and bound to the same key or certificate.';

function lineOf(socket: Socket): Line<string> {
  return {
    kind: 'websocket',
    wire,
    send: (text) => socket.sendText(text) > 0,
    end: (why) => socket.close(...CLOSES[why]),
  };
}

/** Counts the messages of a period; true: that was one too many. */
function createPace(elapsed: () => number): () => boolean {
  let [startMs, count] = [elapsed(), 0];
  return () => {
    if (elapsed() - startMs >= MESSAGES_PERIOD_MS) [startMs, count] = [elapsed(), 0];
    count += 1;
    return count > MESSAGES_MAX;
  };
}

/** What is made, or in words why not. */
function attempt<T extends object>(make: () => T): T | string {
  try {
    return make();
  } catch (error) {
    if (error instanceof Problem) return error.detail;
    throw error;
  }
}
