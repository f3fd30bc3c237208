// WebSockets that a test opens, fills and closes by hand.
import type { OpenSocket, SocketEvents } from '../ports';

/** One that the client has asked for. */
export interface TestSocket {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly events: SocketEvents;
  /** What the client has sent, as JSON. */
  readonly sent: unknown[];
  /** True once the client has closed it. */
  left: boolean;
  /** Lets it open, and sends these messages. */
  open(...messages: object[]): void;
  say(...messages: object[]): void;
}

/** A network of such sockets, in the order in which they were asked for. */
export function testSockets(): { readonly openSocket: OpenSocket; readonly sockets: TestSocket[] } {
  const sockets: TestSocket[] = [];
  const openSocket: OpenSocket = (url, headers, events) => {
    const say = (...messages: object[]): void => {
      for (const message of messages) events.message(JSON.stringify(message));
    };
    const socket: TestSocket = {
      url,
      headers,
      events,
      sent: [],
      left: false,
      open(...messages) {
        events.opened();
        say(...messages);
      },
      say,
    };
    sockets.push(socket);
    return {
      send: (text) => void socket.sent.push(JSON.parse(text)),
      close() {
        socket.left = true;
      },
    };
  };
  return { openSocket, sockets };
}
