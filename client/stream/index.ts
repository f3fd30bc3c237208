/** The rates and the state of the client as they change, for browsers and local programs: `GET /api/events`. Apart from rates/, which answers once. */
import { Elysia, t } from 'elysia';
import { Problem } from '../../kit/http/problem';
import type { Access } from '../access/access';
import type { FanOut } from './fan-out';
import { RatesEvent } from './model';

/** What the route needs. */
export interface StreamRoutesOptions {
  readonly fanOut: FanOut;
  readonly access: Pick<Access, 'watch'>;
}

/** The route of the events. */
export function streamRoutes({ fanOut, access }: StreamRoutesOptions) {
  return new Elysia({ name: 'stream' }).get(
    '/api/events',
    ({ request, server }) => {
      let unwatch = (): void => {};
      const cut = (): void => server?.timeout(request, CUT_SECONDS);
      const reading = fanOut.open({ ended: () => unwatch(), cut });
      if (reading === null) throw tooMany();
      unwatch = access.watch(request, reading.signOut);
      return new Response(reading.body, { headers: HEADERS });
    },
    {
      response: { 200: t.Union([RatesEvent], { description: EVENTS }) },
      detail: {
        operationId: 'events',
        tags: ['Rates'],
        summary: 'Rates and state as they change',
        description: EVENTS,
      },
    },
  );
}

const EVENTS =
  'Server-sent events: `snapshot` with all rates, first and whenever currencies come or go; `update` with those that changed; `status` with what `/api/status` tells, first, when it changes and every five seconds; `signed_out` when the session has ended, which ends the stream.';

/** A body that has ended is closed after this time though not all of it was read; in seconds. */
const CUT_SECONDS = 1;

/** Nobody keeps it, and no proxy gathers it before passing it on. */
const HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };

function tooMany(): Problem {
  return new Problem(503, 'Service Unavailable', 'Too many follow already.', { 'retry-after': '10' });
}
