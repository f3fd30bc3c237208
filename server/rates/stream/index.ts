/** Rates as they change: `/api/currency/stream` (WebSocket, RFC 6455) and `/api/currency/events` (server-sent events). Apart from the other rates: their answers never end. */
import { Elysia } from 'elysia';
import { Problem } from '../../../kit/http/problem';
import { requestId } from '../../../kit/http/request-id';
import type { Guard } from '../../tokens/guard';
import type { Leases } from '../../tokens/lease';
import type { Feed } from '../feed';
import { splitSymbols, symbolsOf } from '../symbols';
import { describeStreams, type StreamsDescription } from './asyncapi';
import { EVENTS_DETAIL, SOCKET_DETAIL } from './detail';
import { EVENTS_HEADERS, lastSeqOf, openEvents } from './events';
import type { Hub } from './hub';
import { type Selection, select } from './selection';
import { createSocket } from './websocket';

/** What the routes need. */
export interface StreamRoutesOptions extends StreamsDescription {
  readonly hub: Hub;
  readonly feed: Pick<Feed, 'snapshot' | 'catchUp'>;
  readonly guard: Guard;
  readonly leases: Leases;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
}

/** Routes of the streams, and of what describes them. */
export function streamRoutes({ hub, feed, guard, leases, elapsed, ...about }: StreamRoutesOptions) {
  const everListed = () => feed.snapshot().everListed;
  const selectionOf = (url: string): Selection => {
    const symbols = symbolsOf(url);
    return select(symbols === null ? [] : splitSymbols(symbols), everListed());
  };
  return new Elysia({ name: 'streams' })
    .get(
      '/api/currency/stream',
      ({ request, server }) =>
        guard(request, (claims, headers) => {
          requireUpgrade(request.headers);
          const selection = selectionOf(request.url);
          hub.requireRoom(claims.clientId);
          const data = createSocket({ hub, lease: leases(claims), selection, everListed, elapsed });
          const more = { ...headers, 'x-request-id': requestId(request) };
          if (server?.upgrade(request, { data, headers: more }) !== true) throw notAnUpgrade();
          return new Response(null, { status: 101 });
        }),
      { detail: SOCKET_DETAIL },
    )
    .get(
      '/api/currency/events',
      ({ request, server }) =>
        guard(request, async (claims) => {
          const lastSeq = lastSeqOf(request.headers.get('last-event-id'));
          // Another replica may have been quicker to tell him.
          if (lastSeq !== null) await feed.catchUp(lastSeq);
          const selection = selectionOf(request.url);
          hub.requireRoom(claims.clientId);
          if (request.method === 'HEAD') return new Response(null, { headers: EVENTS_HEADERS });
          const timeout = (seconds: number): void => server?.timeout(request, seconds);
          const body = openEvents({ hub, lease: leases(claims), selection, lastSeq, timeout });
          return new Response(body, { headers: EVENTS_HEADERS });
        }),
      { detail: EVENTS_DETAIL },
    )
    .get(
      '/docs/asyncapi.json',
      () => Response.json(describeStreams(about), { headers: { 'cache-control': 'no-cache' } }),
      { detail: { hide: true } },
    );
}

/** Only the version that there is (RFC 6455 §4.2.1): Bun's own refusal of others would carry none of our headers. */
function requireUpgrade(headers: Headers): void {
  const isUpgrade = headers.get('upgrade')?.toLowerCase() === 'websocket';
  if (!isUpgrade || headers.get('sec-websocket-version') !== '13') throw notAnUpgrade();
}

function notAnUpgrade(): Problem {
  const headers = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13' };
  return new Problem(426, 'Upgrade Required', 'This path speaks WebSocket (RFC 6455), version 13, only.', headers);
}
