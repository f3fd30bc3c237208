import type { OpenSocket } from '../ports';

/** A WebSocket of Bun, which can send headers of its own. */
export const openSocket: OpenSocket = (url, headers, events) => {
  const socket = new WebSocket(url, { headers: { ...headers } });
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
};
