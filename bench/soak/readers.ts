// Readers of the stream: each hears of every tick in order, and stays for as long as the run lasts.
import type { StreamMessage } from '../../server/contract';
import type { Held, Tokens } from './tokens';

/** What has become of the readers. */
export interface Readers {
  /** Resolves when all have their first rates. */
  opened(): Promise<void>;
  /** Shows each a newer token: call it well before the life of a token is over. */
  authorize(): void;
  messages(): number;
  close(): void;
}

/** What readers stand on. */
export interface ReadersOptions {
  /** URL of the stream. */
  readonly url: string;
  readonly count: number;
  readonly clients: readonly Held['client'][];
  readonly tokens: Tokens;
  /** Hears of each thing that must not happen. */
  readonly wrong: (what: string) => void;
}

/** Opens them all. */
export function openReaders({ url, count, clients, tokens, wrong }: ReadersOptions): Readers {
  let messages = 0;
  let isClosing = false;
  const open = (at: number) => {
    const client = clients[at % clients.length] as Held['client'];
    const opened = Promise.withResolvers<void>();
    const headers = { authorization: `Bearer ${tokens.newestOf(client)}` };
    const socket = new WebSocket(url, { headers });
    let seq = 0;
    socket.onmessage = ({ data }) => {
      messages += 1;
      const message = JSON.parse(String(data)) as StreamMessage;
      if (message.type === 'update' && message.from_seq !== seq) wrong('stream: an update that does not follow');
      if (message.type === 'error') wrong('stream: an error');
      if ('seq' in message) seq = message.seq;
      opened.resolve();
    };
    socket.onclose = ({ code }) => {
      if (!isClosing) wrong(`stream: closed with ${code}`);
      opened.resolve();
    };
    const authorize = (): void =>
      socket.send(JSON.stringify({ type: 'authorize', id: 'again', token: tokens.newestOf(client) }));
    return { opened: opened.promise, authorize, close: () => socket.close() };
  };
  const all = Array.from({ length: count }, (_, at) => open(at));
  return {
    opened: async () => void (await Promise.all(all.map(({ opened }) => opened))),
    authorize: () => {
      for (const reader of all) reader.authorize();
    },
    messages: () => messages,
    close: () => {
      isClosing = true;
      for (const reader of all) reader.close();
    },
  };
}
