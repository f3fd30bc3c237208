import type { Fetch } from '../ports';
import type { Servers } from './servers';
import { neverConnected } from './trouble';

/** Which of several servers a request goes to; `send` is given a request of its own for that one. `once`: its body cannot be kept for another one. */
export type Route = (request: Request, send: Fetch, once?: boolean) => Promise<Response>;

/** Methods that may be repeated (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * Sends requests below the first of the servers to whichever of them is best, and to the others while it fails. One that
 * may not be repeated goes elsewhere only when it was certainly not sent. No server is sent anything before its metadata
 * have named the issuer of the group. A request to any other place is sent there.
 * @param deadlineMs for the head of an answer, over all servers; null: as {@link Servers.run} has it
 */
export function overServers(servers: Servers, deadlineMs: number | null = null): Route {
  const [first = ''] = servers.urls;
  const isOnly = servers.urls.length === 1 && deadlineMs === null;
  return (request, send, once = false) => {
    const { url } = request;
    if (url !== first && !url.startsWith(`${first}/`) && !url.startsWith(`${first}?`))
      return send(once ? request : copyOf(request));
    const isRepeatable = !once && IDEMPOTENT.has(request.method);
    return servers.run(
      async (server, signal) => {
        await server.endpoint();
        if (isOnly) return send(once ? request : copyOf(request));
        return send(
          rebased(
            once || request.body === null ? request : copyOf(request),
            `${server.url}${url.slice(first.length)}`,
            signal,
          ),
        );
      },
      {
        deadlineMs,
        signal: request.signal,
        again: (response) => isRepeatable && isUnwell(response),
        discard: (response) => void response.body?.cancel(),
        mayRepeat: (error) => isRepeatable || (!once && neverConnected(error)),
      },
    );
  };
}

function copyOf(request: Request): Request {
  return request.clone() as Request; // Bun's own types name another Request here.
}

/** Put together from its parts: a Request that is made of another one keeps all that is read of its body. */
function rebased({ method, headers, body, redirect }: Request, url: string, signal: AbortSignal): Request {
  return new Request(url, { method, headers, body, redirect, signal });
}

/** 429 and 5xx say nothing of the other servers; 501 and 505 are of the request. */
function isUnwell({ status }: Response): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}
