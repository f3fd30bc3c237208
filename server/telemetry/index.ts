/** How the server is: health for people, load balancers and orchestrators. Apart, because it asks the others and nobody asks it. */
import { Elysia, t } from 'elysia';

/** What health looks at. */
export interface Vitals {
  /** False before the start is complete and once the stop has begun. */
  readonly serving: () => boolean;
  /** False while the database, or the news from it, is away. */
  readonly databaseReachable: () => boolean;
}

const Health = t.Object({ status: t.Literal('ok'), service: t.Literal('crypto-server') });
const Live = t.Object({ status: t.Literal('ok') });
const Ready = t.Object({
  status: t.Union([t.Literal('ok'), t.Literal('degraded'), t.Literal('stopping')], {
    description: '`degraded`: the database is away; rates are served from memory, tokens are not issued.',
  }),
  database: t.Union([t.Literal('ok'), t.Literal('away')]),
});

/** Routes of health. */
export function healthRoutes({ serving, databaseReachable }: Vitals) {
  return new Elysia({ name: 'health' })
    .get('/health', () => json(200, { status: 'ok', service: 'crypto-server' }), {
      response: { 200: Health },
      detail: { operationId: 'health', tags: ['Health'], summary: 'Is this crypto-server?' },
    })
    .get('/health/live', () => json(200, { status: 'ok' }), {
      response: { 200: Live },
      detail: { operationId: 'live', tags: ['Health'], summary: 'Is the process alive?' },
    })
    .get(
      '/health/ready',
      () => {
        const database = databaseReachable() ? 'ok' : 'away';
        if (!serving()) return json(503, { status: 'stopping', database });
        return json(200, { status: database === 'ok' ? 'ok' : 'degraded', database });
      },
      {
        response: { 200: Ready, 503: Ready },
        detail: {
          operationId: 'ready',
          tags: ['Health'],
          summary: 'Should requests be sent here?',
          description:
            '200 also while the database is away: rates are served from memory all the same. 503 while stopping.',
        },
      },
    );
}

function json(status: number, body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}
