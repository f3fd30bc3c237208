/** Sends one command. Rejects with what the server says, or when the connection breaks. */
export type Send = (command: string, ...args: readonly string[]) => Promise<unknown>;

/** A connection that has been greeted. */
export interface Session {
  readonly send: Send;
  close(): void;
}

/** How to connect. */
export interface SessionOptions {
  readonly url: string;
  /** For all of it: connection, password, greetings. */
  readonly timeoutMs: number;
  readonly greetings: readonly ((send: Send) => Promise<void>)[];
  /** Hears, once, that the connection has broken by itself. */
  readonly broken: () => void;
}

/**
 * Connects and greets. What could not be sent is never kept for later, and it does not connect again by itself: whoever asks
 * has to know at once. Rejects when any of it fails; a wrong password looks like a connection that broke.
 */
export async function connectTo({ url, timeoutMs, greetings, broken }: SessionOptions): Promise<Session> {
  const client = new Bun.RedisClient(url, {
    autoReconnect: false,
    enableOfflineQueue: false,
    connectionTimeout: timeoutMs,
  });
  const send: Send = (command, ...args) => client.send(command, [...args]);
  let timer: Timer | null = null;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not answer in time')), timeoutMs);
  });
  try {
    await Promise.race([greet(client, send, greetings), late]);
  } catch (error) {
    client.close();
    throw error;
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
  let open = true;
  client.onclose = () => {
    if (open) broken();
    open = false;
  };
  return {
    send,
    close: () => {
      open = false;
      client.close();
    },
  };
}

async function greet(client: Bun.RedisClient, send: Send, greetings: SessionOptions['greetings']): Promise<void> {
  await client.connect();
  // One that may only read, or has no room, is of no use: said now, and not at the first request.
  await send('SET', PROBE, '1', 'PX', '1000');
  for (const greeting of greetings) await greeting(send);
}

const PROBE = 'crypto-server:probe';
