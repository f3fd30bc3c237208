import type { Log } from '../logs';
import type { Observe } from '../metrics/traffic';
import { type AccessLog, createAccessLog } from './access-log';
import type { ErrorRule } from './errors';
import { createOriginRule } from './origin';
import { notFound, Problem, problemResponse } from './problem';
import { withBody } from './received';
import { createIdentify } from './request-id';
import { requestFields } from './trace';
import { pathOf } from './url-path';

/** Largest request body that is read, in bytes; a larger one is answered 413. */
export const BODY_BYTES_MAX = 64 * 1024;

/**
 * What Bun itself lets through, in bytes: above {@link BODY_BYTES_MAX}, so that the refusal is ours and carries our
 * headers, and low enough that a flood of bodies cannot fill the memory.
 */
export const TRANSPORT_BODY_BYTES_MAX = 1024 * 1024;

/** What the edge needs to know. */
export interface EdgeOptions {
  /** True while the server is bound to loopback: only then are `Host`, `Origin` and `Sec-Fetch-Site` judged. */
  readonly loopback: boolean;
  /** Base URLs by which callers may reach the server beyond loopback names. */
  readonly urls: readonly string[];
  readonly log: Log;
  /** What https is served with; null: plain http. Over https every answer says that nothing else will do (HSTS, RFC 6797). */
  readonly tls: object | null;
  /** Which requests are written to the log. */
  readonly accessLog: AccessLog;
  /** The address of a request's caller; null when it is not known. */
  readonly sourceOf: (request: Request) => string | null;
  /** Start of the request ids that this process gives out. */
  readonly idPrefix: string;
  /** Answers for a handler whose promise failed. */
  readonly failed: ErrorRule;
  /** Why the request is not answered by any route, or null; asked before any of its body is read. */
  readonly refused?: (request: Request) => Problem | null;
  /** True for requests whose body is read by their route as it comes, however long it is. */
  readonly streams?: (request: Request) => boolean;
  /** Told of every answer. */
  readonly observe: Observe;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
}

type Answer = Response | Promise<Response>;
type Next = (request: Request) => Answer;

/**
 * The outermost ring of an application, for Elysia's `wrap`: gives every request an id (a well-formed `X-Request-Id` is
 * kept), refuses foreign hosts and sites, bounds the body, and stamps every answer. It is a wrapper and not a set of
 * hooks because hooks that touch headers cost a third of the throughput.
 */
export function createEdge(options: EdgeOptions): (next: Next) => Next {
  const { loopback, urls, idPrefix } = options;
  const foreign = createOriginRule({ urls });
  const identify = createIdentify(idPrefix);
  const stamp = options.tls === null ? stampAny : stampSecure;
  const pass = (request: Request, id: string, next: Next): Answer => {
    const reason = loopback ? foreign(request.headers) : null;
    if (reason !== null) {
      options.log.info('foreign_request', { 'event.reason': reason, ...requestFields(request) });
      return problemResponse(new Problem(403, 'Forbidden', reason), id);
    }
    if (!isReadable(request.url)) return problemResponse(notFound('There is nothing at this path.'), id);
    const refusal = options.refused?.(request) ?? null;
    if (refusal !== null) return problemResponse(refusal, id);
    const asItComes = request.method === 'GET' || options.streams?.(request) === true;
    const answer = asItComes ? next(request) : passBody(request, id, next);
    if (request.method !== 'HEAD') return answer;
    return answer instanceof Promise ? answer.then(withoutGuess) : withoutGuess(answer);
  };
  const written = createAccessLog(options);
  const answered = (request: Request, response: Response, id: string, startedMs: number): Response => {
    const ms = options.elapsed() - startedMs;
    options.observe(request, response.status, ms);
    written(request, response.status, ms);
    return stamp(response, id);
  };
  const handle = (request: Request, next: Next): Answer => {
    const startedMs = options.elapsed();
    const id = identify(request);
    const answer = pass(request, id, next);
    if (!(answer instanceof Promise)) return answered(request, answer, id, startedMs);
    // The framework catches what a handler throws, but not what becomes of a promise that it only passes on.
    const caught = answer.catch((error: unknown) => options.failed({ code: 'UNKNOWN', error, request }));
    return caught.then((response) => answered(request, response, id, startedMs));
  };
  return once((next) => (request) => handle(request, next));
}

/** The framework wraps anew for every request, always around the same function: that is done once. */
function once(wrap: (next: Next) => Next): (next: Next) => Next {
  let known: { readonly next: Next; readonly wrapped: Next } | null = null;
  return (next) => {
    if (known?.next !== next) known = { next, wrapped: wrap(next) };
    return known.wrapped;
  };
}

function stampAny(response: Response, id: string): Response {
  response.headers.set('x-request-id', id);
  response.headers.set('x-content-type-options', 'nosniff');
  return response;
}

/** A year, as browsers and their lists ask for (RFC 6797 §6.1.1). */
const HSTS = 'max-age=31536000';

function stampSecure(response: Response, id: string): Response {
  response.headers.set('strict-transport-security', HSTS);
  return stampAny(response, id);
}

/**
 * The framework measures what a handler gives for HEAD, and what would only be written for a GET has no length yet: a length that is
 * not known is not sent (RFC 9110 §8.6), nor is one with 304, which is no answer without content.
 */
function withoutGuess(response: Response): Response {
  if (response.headers.get('content-length') !== '0') return response;
  response.headers.delete('content-length');
  // Without it Bun would say 0 by itself.
  if (response.status === 200) response.headers.set('transfer-encoding', 'chunked');
  return response;
}

function passBody(request: Request, id: string, next: Next): Answer {
  const { headers } = request;
  if (Number(headers.get('content-length') ?? 0) > BODY_BYTES_MAX) return tooLarge(id);
  return headers.has('transfer-encoding') ? boundBody(request, id, next) : next(request);
}

/** A body of unstated length is read here, so that the limit holds for it too. */
async function boundBody(request: Request, id: string, next: Next): Promise<Response> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) return tooLarge(id);
    chunks.push(chunk);
  }
  return next(withBody(request, Buffer.concat(chunks)));
}

function tooLarge(id: string): Response {
  const detail = `The request body is larger than ${BODY_BYTES_MAX} bytes.`;
  return problemResponse(new Problem(413, 'Content Too Large', detail), id);
}

/** False for a path whose percent encoding is no UTF-8: the framework would hand a handler null for that part of it. */
function isReadable(url: string): boolean {
  if (!url.includes('%')) return true;
  try {
    decodeURIComponent(pathOf(url));
    return true;
  } catch {
    return false;
  }
}
