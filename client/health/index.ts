/** How the client is: health for people, load balancers and orchestrators. Apart, because it asks the others and nobody asks it. */
import { Elysia, t } from 'elysia';

/** What health looks at. */
export interface Vitals {
  /** False before the start is complete and once the stop has begun. */
  readonly serving: () => boolean;
  /** False while the last attempt to get rates failed, and before the first. */
  readonly serverReachable: () => boolean;
}

const Health = t.Object({ status: t.Literal('ok'), service: t.Literal('crypto-client') });
const Live = t.Object({ status: t.Literal('ok') });
const Ready = t.Object({
  status: t.Union([t.Literal('ok'), t.Literal('degraded'), t.Literal('stopping')], {
    description: '`degraded`: the server does not give rates; the last ones are served for a while.',
  }),
  server: t.Union([t.Literal('ok'), t.Literal('away')]),
});

/** Routes of health. */
export function healthRoutes({ serving, serverReachable }: Vitals) {
  return new Elysia({ name: 'health' })
    .get('/health', () => json(200, { status: 'ok', service: 'crypto-client' }), {
      response: { 200: Health },
      detail: { operationId: 'health', tags: ['Health'], summary: 'Is this crypto-client?' },
    })
    .get('/health/live', () => json(200, { status: 'ok' }), {
      response: { 200: Live },
      detail: { operationId: 'live', tags: ['Health'], summary: 'Is the process alive?' },
    })
    .get(
      '/health/ready',
      () => {
        const server = serverReachable() ? 'ok' : 'away';
        if (!serving()) return json(503, { status: 'stopping', server });
        return json(200, { status: server === 'ok' ? 'ok' : 'degraded', server });
      },
      {
        response: { 200: Ready, 503: Ready },
        detail: {
          operationId: 'ready',
          tags: ['Health'],
          summary: 'Should requests be sent here?',
          description: '200 also while the server is away, so that one outage does not become two. 503 while stopping.',
        },
      },
    );
}

function json(status: number, body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}
