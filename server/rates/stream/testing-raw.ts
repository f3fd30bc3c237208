// The other end of a stream as bytes: it can stop reading, which no WebSocket and no `fetch` can.
import { connect } from 'node:net';

/** Reads the frames of a server (RFC 6455 §5.2): unmasked, and never in fragments. */
export function createFrameReader(hear: (opcode: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const short = rest[1]! & 0x7f;
      const start = { 126: 4, 127: 10 }[short] ?? 2;
      if (rest.length < start) return;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < start + length) return;
      hear(rest[0]! & 0x0f, rest.subarray(start, start + length));
      rest = rest.subarray(start + length);
    }
  };
}

/** Headers that ask for a WebSocket. */
export const UPGRADE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** A reader who can stop reading. */
export interface RawReader {
  /** The updates that were read: from which tick to which. */
  readonly updates: readonly { readonly from: number; readonly to: number }[];
  pause(): void;
  resume(): void;
  /** The close code, or null for a stream that has none. */
  readonly closed: Promise<number | null>;
  leave(): void;
}

const CLOSE = 8;

/** Opens a stream of either kind; resolves when it has begun. */
export async function openRaw(port: number, path: 'stream' | 'events', token: string): Promise<RawReader> {
  const headers = { host: `localhost:${port}`, authorization: `Bearer ${token}`, ...(path === 'stream' && UPGRADE) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const updates: { from: number; to: number }[] = [];
  const begun = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number | null>();
  let code: number | null = null;
  const hear = (text: string): void => {
    for (const [, from, to] of text.matchAll(/"from_seq":(\d+),"seq":(\d+)/g))
      updates.push({ from: Number(from), to: Number(to) });
  };
  const read = createFrameReader((opcode, payload) => {
    if (opcode === CLOSE) code = payload.readUInt16BE(0);
    else hear(payload.toString());
  });
  const socket = connect(port, '127.0.0.1', () =>
    socket.write(`GET /api/currency/${path} HTTP/1.1\r\n${lines.join('')}\r\n`),
  );
  let isHead = true;
  socket.on('data', (chunk: Buffer) => {
    const end = isHead ? chunk.indexOf('\r\n\r\n') + 4 : 0;
    isHead = false;
    if (path === 'stream') read(chunk.subarray(end));
    else hear(chunk.toString('latin1'));
    begun.resolve();
    // The end of a body; the connection could go on.
    if (path === 'events' && chunk.subarray(-7).toString('latin1') === '\r\n0\r\n\r\n') socket.end();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    begun.reject(new Error('closed'));
    closed.resolve(code);
  });
  await begun.promise;
  return {
    updates,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    closed: closed.promise,
    leave: () => void socket.destroy(),
  };
}
