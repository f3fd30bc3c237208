import type { Fetch } from '../ports';
import type { Servers } from './servers';
import { neverConnected } from './trouble';

/** Which of several servers a request goes to; `send` is given the request as it is for that one. */
export type Route = (request: Request, send: Fetch) => Promise<Response>;

/** Longest wait for the head of an answer over all servers, in milliseconds, where the request has no earlier end of its own. */
export const ROUTE_DEADLINE_MS = 10_000;

/** Methods that may be repeated (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * Sends requests below the first of the servers to whichever of them is best, and to the others while it fails. One that
 * may not be repeated goes elsewhere only when it was certainly not sent. No server is sent anything before its metadata
 * have named the issuer of the group. A request to any other place is sent there.
 */
export function overServers(servers: Servers): Route {
  const [first = ''] = servers.urls;
  return (request, send) => {
    const { url } = request;
    if (url !== first && !url.startsWith(`${first}/`) && !url.startsWith(`${first}?`)) return send(request);
    const isRepeatable = IDEMPOTENT.has(request.method) && request.body === null;
    return servers.run(
      async (server, signal) => {
        await server.endpoint();
        return send(rebased(request, `${server.url}${url.slice(first.length)}`, signal));
      },
      {
        deadlineMs: ROUTE_DEADLINE_MS,
        signal: request.signal,
        again: (response) => isRepeatable && isUnwell(response),
        discard: (response) => void response.body?.cancel(),
        mayRepeat: (error) => isRepeatable || neverConnected(error),
      },
    );
  };
}

/** On a copy, so that the body is still there for the next one. */
function rebased(request: Request, url: string, signal: AbortSignal): Request {
  const copy = request.clone() as Request; // Bun's own types name another Request here.
  return new Request(url, new Request(copy, { signal: AbortSignal.any([request.signal, signal]) }));
}

/** 429 and 5xx say nothing of the other servers; 501 and 505 are of the request. */
function isUnwell({ status }: Response): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}
