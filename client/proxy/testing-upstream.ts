// For tests alone: an API that takes the tokens of a double, and tells what it was sent.
import { createDouble, type Double } from '../testing/double';

/** What came in. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly bytes: number;
}

/** An API that listens. */
export interface Upstream {
  readonly url: string;
  readonly double: Double;
  /** Requests that were neither for a token, nor for metadata, nor the client's own for rates; once their bodies were whole. */
  readonly seen: Seen[];
  /** Bytes of long answers that were taken from here. */
  produced: number;
  /** Bodies of `/slow` are read on when this is settled. */
  goOn: Promise<void>;
  /** Base URL of a second server with the same tokens. */
  readonly second: string;
  /** Those of the two that answer every call with 503. */
  unwell: readonly string[];
  /** How many callers have left before their answer was whole. */
  left: number;
  stop(): Promise<void>;
}

/** Answers by path; every other path tells what was sent. */
const ANSWERS: Record<string, (request: Request, upstream: Upstream) => Response | Promise<Response>> = {
  '/redirect': () => new Response(null, { status: 302, headers: { location: 'http://elsewhere.example/x' } }),
  '/none': () => new Response(null, { status: 204 }),
  '/unchanged': () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
  '/gzip': () =>
    new Response(Bun.gzipSync('plain words'), {
      headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' },
    }),
  '/headers': () =>
    new Response('<script>alert(1)</script>', {
      headers: {
        'content-type': 'text/html',
        'set-cookie': 'a=b',
        'access-control-allow-origin': '*',
        'strict-transport-security': 'max-age=1',
        'content-security-policy': "script-src 'unsafe-inline'",
        'x-of-the-target': 'kept',
        connection: 'x-hop',
        'x-hop': '1',
        'keep-alive': 'timeout=5',
      },
    }),
  '/silent': () => new Promise<Response>(() => {}),
  '/broken': () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('first')),
        pull: async (controller) => {
          await Bun.sleep(10);
          controller.error(new Error('broken'));
        },
      }),
    ),
  '/events': (_, upstream) => {
    let count = 0;
    const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
      if (count === 3) return new Promise(() => {});
      controller.enqueue(`id: ${count}\ndata: ${count++}\n\n`);
    };
    const cancel = (): void => void upstream.left++;
    return new Response(new ReadableStream({ pull, cancel }), { headers: { 'content-type': 'text/event-stream' } });
  },
};

/** What the client asks by itself. */
const OF_THE_CLIENT = /^\/(?:health|api\/currency(?:\/(?:stream|events)?)?)$/;

/** So many bytes that none of them can be mistaken for another: each says where it stands. */
export function patternAt(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = ((offset + at) * 31) & 0xff;
  return bytes;
}

/** Starts an API. */
export function startUpstream(): Upstream {
  const listen = () =>
    Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: async (request) => {
        const { origin, pathname, search, searchParams } = new URL(request.url);
        if (/^\/(?:\.well-known|api\/auth)\//.test(pathname)) return upstream.double.fetch(request);
        const isOwn = OF_THE_CLIENT.test(pathname);
        if (!isOwn) request.signal.addEventListener('abort', () => upstream.left++);
        let bytes = 0;
        const body = [];
        for await (const chunk of request.body ?? []) {
          bytes += chunk.byteLength;
          if (pathname === '/slow') await upstream.goOn;
          if (bytes <= 1_000) body.push(chunk);
        }
        const { method } = request;
        const headers = Object.fromEntries(request.headers);
        if (!isOwn) upstream.seen.push({ method, path: pathname + search, headers, bytes });
        const check = await upstream.double.fetch(
          new Request(`${upstream.url}/api/currency`, { headers: request.headers }),
        );
        if (check.status === 401) return check;
        if (upstream.unwell.includes(origin)) return new Response(null, { status: 503 });
        const size = Number(searchParams.get('size') ?? 0);
        if (size > 0) return new Response(patterned(size, upstream));
        const special = ANSWERS[pathname];
        return special?.(request, upstream) ?? Response.json({ method, bytes, text: Buffer.concat(body).toString() });
      },
    });
  const [server, other] = [listen(), listen()];
  const url = `http://127.0.0.1:${server.port}`;
  const upstream: Upstream = {
    url,
    second: `http://127.0.0.1:${other.port}`,
    unwell: [],
    double: createDouble({ issuer: url, now: Date.now }),
    seen: [],
    produced: 0,
    goOn: Promise.resolve(),
    left: 0,
    stop: async () => {
      for (const one of [server, other]) await one.stop(true);
    },
  };
  return upstream;
}

function patterned(size: number, upstream: Upstream): ReadableStream<Uint8Array> {
  const step = 100_000;
  let sent = 0;
  return new ReadableStream({
    pull: (controller) => {
      const length = Math.min(step, size - sent);
      controller.enqueue(patternAt(sent, length));
      sent += length;
      upstream.produced = sent;
      if (sent === size) controller.close();
    },
  });
}
