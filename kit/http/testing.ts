// Requests that `fetch` cannot express, and answers as they are on the wire.
import { connect } from 'node:net';

/** An answer as it came over the wire; header names in lower case, each with all of its lines. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 10_000;

/** Sends exactly these bytes to 127.0.0.1 and reads the one answer to the end of the connection: ask for `Connection: close`. */
export function sendRaw(port: number, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`no answer to ${String(bytes).slice(0, 80)}`)));
    socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on('error', (error) => (chunks.length > 0 ? resolve(readAnswer(chunks)) : reject(error)));
    socket.on('close', () => resolve(readAnswer(chunks)));
  });
}

/** A request line, headers and a body → what {@link sendRaw} takes. Nothing is added but the blank line and `Connection: close`. */
export function rawRequest(line: string, headers: readonly string[], body = ''): Uint8Array {
  const head = [`${line} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

/** A body as one HTTP/1.1 chunk after another (RFC 9112 §7.1). */
export function chunked(body: string, chunkBytes = 8_192): string {
  const chunks: string[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.slice(at, at + chunkBytes);
    chunks.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  }
  return `${chunks.join('')}0\r\n\r\n`;
}

function readAnswer(chunks: readonly Uint8Array[]): RawAnswer {
  const text = Buffer.concat(chunks).toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map<string, string[]>();
  for (const header of lines) {
    const colon = header.indexOf(':');
    const name = header.slice(0, colon).toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), header.slice(colon + 1).trim()]);
  }
  return { status: Number(line.split(' ')[1]), headers, body: text.slice(end + 4) };
}
