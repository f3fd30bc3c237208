// The other end of a stream, as tests have it.
import type { TestServer } from '../../testing';
import type { StreamMessage } from './model';

/** How long something may take that is to come at once, in milliseconds. */
const PATIENCE_MS = 10_000;

/** What has come and was not looked at yet. */
interface Inbox<T> {
  put(one: T): void;
  /** Nothing more will come. */
  end(): void;
  /** The next one. Rejects when there is none for too long, or ever. */
  next(): Promise<T>;
  /** What is there and was not taken. */
  waiting(): number;
}

function createInbox<T>(what: string): Inbox<T> {
  const there: T[] = [];
  let wanted: PromiseWithResolvers<void> | null = null;
  let ended = false;
  const wake = () => {
    wanted?.resolve();
    wanted = null;
  };
  return {
    put: (one) => {
      there.push(one);
      wake();
    },
    end: () => {
      ended = true;
      wake();
    },
    next: async () => {
      while (there.length === 0) {
        if (ended) throw new Error(`the ${what} has ended`);
        wanted ??= Promise.withResolvers();
        const timer = setTimeout(() => wanted?.reject(new Error(`nothing came over the ${what}`)), PATIENCE_MS);
        await wanted.promise.finally(() => clearTimeout(timer));
      }
      return there.shift()!;
    },
    waiting: () => there.length,
  };
}

/** An open WebSocket. */
export interface TestSocket {
  next(): Promise<StreamMessage>;
  waiting(): number;
  /** Sends a text, or anything else as JSON. */
  send(message: unknown): void;
  sendBytes(bytes: Uint8Array): void;
  readonly closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

/** Opens a WebSocket. Rejects when the server does not let it in. */
export async function openSocket(
  server: Pick<TestServer, 'url'>,
  headers: Record<string, string>,
  query = '',
): Promise<TestSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/currency/stream${query}`, { headers });
  const inbox = createInbox<StreamMessage>('socket');
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => inbox.put(JSON.parse(String(data)) as StreamMessage);
  socket.onclose = ({ code, reason }) => {
    opened.reject(new Error(`closed with ${code}`));
    inbox.end();
    closed.resolve({ code, reason });
  };
  await opened.promise;
  return {
    next: inbox.next,
    waiting: inbox.waiting,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    sendBytes: (bytes) => socket.send(bytes),
    closed: closed.promise,
    close: () => socket.close(),
  };
}

/** An event as it came (HTML §9.2.6); a comment has no name and no data. */
export interface TestEvent {
  readonly id: string | null;
  readonly event: string | null;
  readonly data: StreamMessage | null;
  readonly retry: string | null;
  readonly comment: string | null;
}

/** An open stream of events. */
export interface TestEvents {
  readonly answer: Response;
  next(): Promise<TestEvent>;
  /** The next one that has data. */
  nextMessage(): Promise<TestEvent & { readonly data: StreamMessage }>;
  waiting(): number;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** Opens a stream of events. */
export async function openEventStream(
  server: Pick<TestServer, 'ask'>,
  headers: Record<string, string>,
  query = '',
): Promise<TestEvents> {
  const leaving = new AbortController();
  const answer = await server.ask(`/api/currency/events${query}`, { headers, signal: leaving.signal });
  if (answer.status !== 200) throw new Error(`events: ${answer.status} ${await answer.text()}`);
  const inbox = createInbox<TestEvent>('stream of events');
  const read = async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) inbox.put(readEvent(block));
    }
  };
  const ended = read()
    .catch((error: unknown) => {
      if (!leaving.signal.aborted) throw error;
    })
    .finally(inbox.end);
  const nextMessage: TestEvents['nextMessage'] = async () => {
    const event = await inbox.next();
    return event.data === null ? nextMessage() : { ...event, data: event.data };
  };
  return {
    answer,
    next: inbox.next,
    nextMessage,
    waiting: inbox.waiting,
    ended,
    close: async () => {
      leaving.abort();
      await ended;
    },
  };
}

function readEvent(block: string): TestEvent {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      return [name, value];
    }),
  );
  const data = fields.get('data');
  return {
    id: fields.get('id') ?? null,
    event: fields.get('event') ?? null,
    data: data === undefined ? null : (JSON.parse(data) as StreamMessage),
    retry: fields.get('retry') ?? null,
    comment: fields.get('') ?? null,
  };
}
