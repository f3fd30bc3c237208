/** A way on which news come: open until `closed` is told. */
export interface Channel {
  readonly transport: 'websocket' | 'events';
  /** Shows another token before the one in use ends. @returns false where that takes a new channel. */
  authorize(token: string): boolean;
  /** Asks for all rates anew. @returns false where that takes a new channel. */
  askAll(): boolean;
  /** Ends it; nothing is told any more. */
  close(): void;
}

/** Hears a channel. */
export interface Listener {
  /** One message, as text. */
  message(text: string): void;
  /** Nothing comes any more; the close code of a WebSocket (RFC 6455 §7.4), or null. Told once. */
  closed(code: number | null): void;
}
