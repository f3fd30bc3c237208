/** Calls for local programs: `/proxy/{credential}/…` passes them on with a token, so that nobody but this client needs to know OAuth. Apart from rates/, because it knows nothing of what it carries. */
import { Elysia } from 'elysia';
import { Problem } from '../../kit/http/problem';
import { pathOf } from '../../kit/http/url-path';
import { authorizedFetch, type Tokens } from '../auth/authorized-fetch';
import type { Fetch } from '../ports';
import { overServers, type Route } from '../servers/failover';
import type { Servers } from '../servers/servers';
import { createForward, type ForwardDeps, HEADERS_MS } from './forward';
import { hasPassed } from './headers';
import { type Limits, readTarget, type Target } from './target';

/** Requests under way at a time: each holds two connections, and streams hold them long. */
export const PASSAGES_MAX = 100;

/** Longest time that a body of no stated bound may take to one of the servers, in milliseconds. */
const UPLOAD_MS = 3_600_000;

/** What the proxy needs of a credential. */
export interface ProxyCredential {
  readonly servers: Servers;
  readonly tokens: Tokens;
}

/** What the route needs. */
export interface ProxyRoutesOptions extends ForwardDeps, Pick<Limits, 'allowed' | 'isSelf'> {
  readonly fetch: Fetch;
  /** @throws Problem 404 for a name that there is not. */
  readonly credential: (name: string) => ProxyCredential;
}

/** True for the requests whose bodies are passed on as they come. */
export function isProxied(request: Request): boolean {
  return pathOf(request.url).startsWith('/proxy/');
}

/** The route of the proxy, for every method. */
export function proxyRoutes({ credential, allowed, isSelf, fetch, ...deps }: ProxyRoutesOptions) {
  const forward = createForward(deps);
  let underWay = 0;
  const enter = (): (() => void) => {
    if (underWay >= PASSAGES_MAX) throw tooMany();
    underWay++;
    let inside = true;
    return () => {
      if (inside) underWay--;
      inside = false;
    };
  };
  const pass = (request: Request): Promise<Response> => {
    refuseUpgrade(request.headers);
    if (hasPassed(request.headers, deps.name))
      throw new Problem(508, 'Loop Detected', 'This request has been passed on by this client before.');
    const { name, rest, query } = readPath(request.url);
    const { servers, tokens } = credential(name);
    const target = readTarget(rest, query, { servers: servers.urls, allowed, isSelf });
    const url = target.kind === 'address' ? target.url : `${servers.urls[0]}${target.path}`;
    const send = (passed: Request, once = false): Promise<Response> =>
      authorizedFetch(fetch, tokens, routeTo(target, servers, once))(passed, once);
    return forward({ request, url, fetch: send, ended: enter() });
  };
  return new Elysia({ name: 'proxy' }).all('/proxy/:credential/*', ({ request }) => pass(request), {
    parse: 'none',
    detail: { hide: true },
  });
}

/** An address of its own is sent there and nowhere else, though it may be one of the servers. */
function routeTo(target: Target, servers: Servers, once: boolean): Route {
  if (target.kind === 'address') return (request, send) => send(request);
  return overServers(servers, once ? UPLOAD_MS : HEADERS_MS);
}

/** The parts as they came: decoding them here could make another address of them. */
function readPath(url: string): { readonly name: string; readonly rest: string; readonly query: string } {
  const [, name = '', rest = ''] = /^\/proxy\/([^/]+)\/(.*)$/.exec(pathOf(url)) ?? [];
  const [, query = ''] = /^[^?#]*(\?[^#]*)?/.exec(url) ?? [];
  return { name: decodeURIComponent(name), rest, query };
}

function refuseUpgrade(headers: Headers): void {
  if (!headers.has('upgrade')) return;
  const detail =
    'The proxy carries no WebSockets and no other upgrades: follow server-sent events through it, or connect to the server with a token of /api/token.';
  throw new Problem(501, 'Not Implemented', detail);
}

function tooMany(): Problem {
  const detail = `${PASSAGES_MAX} requests are under way already.`;
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': '1' });
}

/** Why there is no token, to who asked for something else: the client is refused then, and not the caller. */
export function gatewayProblem(problem: Problem): Problem {
  return problem.status >= 500 ? problem : new Problem(502, 'Bad Gateway', problem.detail);
}
