import type { Fetch } from '../ports';

/** Longest answer that is held in memory, in bytes: a thousand bytes each for 5,000 currencies, and as much again. */
export const WHOLE_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Reads the whole answer before it is given out, so that one that breaks off or stalls half way fails as one that does not come at all.
 * Rejects as the fetch it wraps does, and when the answer is longer than {@link WHOLE_BYTES_MAX}.
 */
export function whole(inner: Fetch): Fetch {
  return async (request) => {
    const response = await inner(request);
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    const bytes = isShort(headers) ? await response.arrayBuffer() : await readAll(response.body);
    return new Response(bytes, { status, statusText, headers });
  };
}

/** True where the head says so; then the body need not be counted, which takes longer. What is compressed may become long. */
function isShort(headers: Headers): boolean {
  const length = headers.get('content-length');
  return length !== null && Number(length) <= WHOLE_BYTES_MAX && !headers.has('content-encoding');
}

async function readAll(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > WHOLE_BYTES_MAX) throw new TypeError('The answer is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
