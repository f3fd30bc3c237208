import type { StreamRequest } from '../../server/contract';
import type { OpenSocket } from '../ports';
import type { Channel, Listener } from './channel';

/** Where a server gives its rates over WebSocket. */
const PATH = '/api/currency/stream';

/** The address of the stream of a server, as the token and the proof of its key are for it. */
export function socketAddress(serverUrl: string): string {
  return `${serverUrl}${PATH}`;
}

/** No WebSocket came about; why is not told to who asks for one. */
export class NoSocket extends Error {
  override readonly name = 'NoSocket';
}

/** Opens a WebSocket (RFC 6455). Rejects with {@link NoSocket}, and when the signal aborts before it is open. */
export function openChannel(
  open: OpenSocket,
  serverUrl: string,
  headers: Headers,
  listener: Listener,
  signal: AbortSignal,
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let state: 'opening' | 'open' | 'closed' = 'opening';
    const socket = open(socketAddress(serverUrl).replace(/^http/, 'ws'), Object.fromEntries(headers), {
      opened() {
        if (state !== 'opening') return;
        state = 'open';
        signal.removeEventListener('abort', leave);
        resolve(channel);
      },
      message: (text) => {
        if (state === 'open') listener.message(text);
      },
      closed(code) {
        const before = state;
        state = 'closed';
        signal.removeEventListener('abort', leave);
        if (before === 'open') listener.closed(code);
        if (before === 'opening') reject(new NoSocket(`no WebSocket at ${serverUrl}`));
      },
    });
    const leave = (): void => {
      state = 'closed';
      socket.close();
      reject(signal.reason);
    };
    const send = (message: StreamRequest): boolean => {
      socket.send(JSON.stringify(message));
      return true;
    };
    const channel: Channel = {
      transport: 'websocket',
      authorize: (token) => send({ type: 'authorize', id: ++count, token }),
      // A fresh snapshot follows it.
      askAll: () => send({ type: 'subscribe', id: ++count }),
      close() {
        state = 'closed';
        socket.close();
      },
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
  });
}
