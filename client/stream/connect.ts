import { retryAfterMs } from '../../kit/backoff';
import { sayNetworkError } from '../auth/answer';
import { authorizedFetch } from '../auth/authorized-fetch';
import { type AccessToken, TokenError } from '../auth/token';
import type { CredentialSession } from '../credentials/session';
import type { Clock, Fetch, OpenSocket } from '../ports';
import { overServers } from '../servers/failover';
import type { Channel, Listener } from './channel';
import { eventsRequest, isEvents, readEvents } from './server-sent';
import { NoSocket, openChannel, socketAddress } from './socket';

/** What an attempt came to. */
export type Way =
  | { readonly kind: 'open'; readonly channel: Channel; readonly token: AccessToken }
  /** A server that has no stream. */
  | { readonly kind: 'none' }
  /** `waitMs`: there is no token sooner; `askedMs`: the pause that the server asked for. */
  | { readonly kind: 'failed'; readonly reason: string; readonly waitMs: number; readonly askedMs: number | null };

/** What {@link connect} needs. */
export interface ConnectDeps {
  readonly session: CredentialSession;
  readonly openSocket: OpenSocket;
  readonly fetch: Fetch;
  readonly listener: Listener;
  /** False while WebSockets are known not to come through. */
  readonly sockets: boolean;
  readonly lastSeq: number | null;
  readonly clock: Pick<Clock, 'now'>;
}

/** Longest wait for a stream to open, over all servers, in milliseconds. */
export const CONNECT_MS = 10_000;

/** Answers that say that there is nothing of the kind, or not for a GET. */
const NOTHING: ReadonlySet<number> = new Set([404, 405, 406, 410, 501]);

/** Opens a stream at the best of the servers. Never rejects. */
export async function connect(deps: ConnectDeps): Promise<Way> {
  try {
    return await open(deps);
  } catch (error) {
    const { servers } = deps.session;
    if (!(error instanceof TokenError)) return failed(sayNetworkError(error, new URL(servers.urls[0] ?? '').origin));
    return failed(error.message, (error.nextAttemptAtMs ?? 0) - deps.clock.now());
  }
}

async function open(deps: ConnectDeps): Promise<Way> {
  if (!deps.sockets) return byEvents(deps);
  const token = await deps.session.tokens.token();
  const channel = await bySocket(deps, token);
  if (channel !== null) return { kind: 'open', channel, token };
  // Who refuses a WebSocket does not say why. If it was for the token, there is another one now.
  const way = await byEvents(deps);
  if (way.kind !== 'open' || way.token.value === token.value) return way;
  const second = await bySocket(deps, way.token);
  if (second === null) return way;
  way.channel.close();
  return { kind: 'open', channel: second, token: way.token };
}

/** Null: the server is there, and gives none. */
function bySocket({ session, openSocket, listener, fetch }: ConnectDeps, token: AccessToken): Promise<Channel | null> {
  return session.servers.run(
    async (server, signal) => {
      await server.endpoint();
      const headers = new Headers();
      await session.tokens.authorize(headers, { method: 'GET', url: socketAddress(server.url) }, token);
      try {
        return await openChannel(openSocket, server.url, headers, listener, signal);
      } catch (error) {
        if (!(error instanceof NoSocket)) throw error;
        const answer = await fetch(new Request(`${server.url}/health`, { signal, redirect: 'manual' }));
        await answer.body?.cancel();
        return null;
      }
    },
    { deadlineMs: CONNECT_MS },
  );
}

async function byEvents({ session, fetch, listener, lastSeq, clock }: ConnectDeps): Promise<Way> {
  const ending = new AbortController();
  const [first = ''] = session.servers.urls;
  const response = await authorizedFetch(
    fetch,
    session.tokens,
    overServers(session.servers, CONNECT_MS),
  )(eventsRequest(first, lastSeq, ending.signal));
  // The one that was sent: a token that was refused has been renewed on the way.
  const token = await session.tokens.token();
  if (isEvents(response)) return { kind: 'open', channel: readEvents(response, ending, listener), token };
  await response.body?.cancel();
  const { status, headers } = response;
  if (NOTHING.has(status) || status < 400) return { kind: 'none' };
  const askedMs = retryAfterMs(headers.get('retry-after'), clock.now());
  return failed(`The server answers the request for its stream with status ${status}.`, 0, askedMs);
}

function failed(reason: string, waitMs = 0, askedMs: number | null = null): Way {
  return { kind: 'failed', reason, waitMs, askedMs };
}
