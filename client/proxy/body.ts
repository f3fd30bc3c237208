import { receivedOf } from '../../kit/http/received';

/** The body of a request: what is small is kept, so that it can be sent again. */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'stream'; readonly stream: ReadableStream<Uint8Array> };

/** Largest body that is kept, in bytes: a call of an API is smaller, an upload is not. */
const KEPT_BYTES_MAX = 64 * 1024;

/** The body as it can be passed on. One of unstated length is never kept. */
export async function readBody(request: Request): Promise<Body> {
  const { body, headers, method } = receivedOf(request);
  // A body of these means nothing (RFC 9110 §9.3.1), and fetch sends none.
  if (body === null || method === 'GET' || method === 'HEAD') return { kind: 'none' };
  const length = headers.get('content-length');
  if (headers.has('transfer-encoding') || length === null || Number(length) > KEPT_BYTES_MAX)
    return { kind: 'stream', stream: body };
  return { kind: 'kept', bytes: new Uint8Array(await request.arrayBuffer()) };
}

/** What happens on the way of a stream. */
export interface Passing {
  /** The next chunk is asked for. */
  readonly wanted: () => void;
  /** It came. */
  readonly came: () => void;
  /** Called once: there will be no more, for whatever reason. */
  readonly ended: () => void;
}

/** The same chunks, each asked for when the last one is taken; who stops reading stops the source. */
export function passing(
  source: ReadableStream<Uint8Array>,
  { wanted, came, ended }: Passing,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        wanted();
        try {
          const { value, done } = await reader.read();
          came();
          if (!done) return controller.enqueue(value);
          ended();
          controller.close();
        } catch (error) {
          ended();
          controller.error(error);
        }
      },
      cancel: async (reason) => {
        ended();
        await reader.cancel(reason);
      },
    },
    // Nothing is read ahead: what waits here would only fill the memory.
    { highWaterMark: 0 },
  );
}
