import type { Socket, SocketEvents } from '../ports';

/** A WebSocket of Bun, which can send headers of its own, and show a certificate. */
export function openSocket(
  url: string,
  headers: Readonly<Record<string, string>>,
  events: SocketEvents,
  more: Pick<Bun.WebSocketOptions, 'tls'> = {},
): Socket {
  const socket = new WebSocket(url, { headers: { ...headers }, ...more });
  socket.addEventListener('open', events.opened);
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') events.message(data);
  });
  socket.addEventListener('close', ({ code }) => events.closed(code));
  return {
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}
