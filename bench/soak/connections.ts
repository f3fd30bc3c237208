// Kept-alive connections of HTTP/1.1, bare: at thousands of requests a second `fetch` would take as much of the machine as the
// server that it asks.
import type { Socket } from 'bun';

/** An answer; `body` is good only until the call that brings it returns. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** What becomes of a request: an answer, or in a word why there was none. */
export type Done = (answer: Answer | string) => void;

/** A bounded number of connections that take turns. */
export interface Connections {
  /** Sends a whole request as soon as a connection is free. */
  send(request: string, done: Done): void;
  /** Gives up what has waited for longer than it may, for a connection or for an answer. Call it about once a second. */
  giveUp(): void;
  /** Requests that have no answer yet. */
  pending(): number;
  close(): void;
}

interface Waiting {
  readonly request: string;
  readonly done: Done;
  readonly sinceMs: number;
}

interface Connection {
  socket: Socket<Connection> | null;
  asked: Waiting | null;
  /** What has come of the answer. */
  received: Buffer | null;
}

/** Longer than a server of ours lets anybody wait, in milliseconds. */
const PATIENCE_MS = 10_000;

/** `count` connections to a port of this machine, opened when they are first needed. */
export function createConnections({ port, count }: { readonly port: number; readonly count: number }): Connections {
  const all = Array.from({ length: count }, (): Connection => ({ socket: null, asked: null, received: null }));
  // First in, first out: then none is idle for so long that the server closes it while it is being used.
  const free = [...all];
  const queue: Waiting[] = [];

  const next = (): void => {
    while (queue.length > 0 && free.length > 0) ask(free.shift() as Connection, queue.shift() as Waiting);
  };
  const finish = (connection: Connection, answer: Answer | string): void => {
    const { asked } = connection;
    connection.asked = null;
    connection.received = null;
    if (asked === null) return;
    free.push(connection);
    asked.done(answer);
    next();
  };
  const lose = (connection: Connection, why: string): void => {
    connection.socket = null;
    finish(connection, why);
  };
  const read = (connection: Connection, chunk: Buffer): void => {
    const bytes = connection.received === null ? chunk : Buffer.concat([connection.received, chunk]);
    const answer = answerIn(bytes);
    if (answer === null) connection.received = bytes;
    else finish(connection, answer);
  };
  const open = (connection: Connection): void => {
    Bun.connect<Connection>({
      hostname: '127.0.0.1',
      port,
      data: connection,
      socket: {
        open: (socket) => {
          connection.socket = socket;
          socket.write(connection.asked?.request ?? '');
        },
        data: (socket, chunk) => {
          if (socket === connection.socket) read(connection, chunk);
        },
        close: (socket) => {
          if (socket === connection.socket) lose(connection, 'the connection was closed');
        },
      },
    }).catch(() => lose(connection, 'no connection'));
  };
  const ask = (connection: Connection, waiting: Waiting): void => {
    connection.asked = waiting;
    if (connection.socket === null) open(connection);
    else connection.socket.write(waiting.request);
  };
  return {
    send: (request, done) => {
      const waiting = { request, done, sinceMs: performance.now() };
      const connection = queue.length === 0 ? free.shift() : undefined;
      if (connection === undefined) queue.push(waiting);
      else ask(connection, waiting);
    },
    giveUp: () => {
      const beforeMs = performance.now() - PATIENCE_MS;
      while ((queue[0]?.sinceMs ?? Number.POSITIVE_INFINITY) < beforeMs) queue.shift()?.done('it was never sent');
      for (const connection of all) {
        if ((connection.asked?.sinceMs ?? Number.POSITIVE_INFINITY) >= beforeMs) continue;
        const { socket } = connection;
        lose(connection, 'no answer in time');
        socket?.terminate();
      }
    },
    pending: () => queue.length + count - free.length,
    close: () => {
      for (const { socket } of all) socket?.terminate();
    },
  };
}

/** Null: there is more to come. An answer without a length is one that we do not give here. */
function answerIn(bytes: Buffer): Answer | string | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (length === undefined) return 'an answer without a length';
  const whole = end + 4 + Number(length);
  if (bytes.length < whole) return null;
  return { status: Number(head.slice(9, 12)), body: bytes.subarray(end + 4, whole) };
}
