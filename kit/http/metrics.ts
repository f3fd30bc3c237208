import { Elysia } from 'elysia';
import type { Registry } from 'prom-client';
import { sameText } from '../same-text';
import { isFromThisMachine } from './local';
import { Problem } from './problem';

/**
 * `/metrics` in the Prometheus text format, for this machine: a loopback peer that names a loopback host and passes nobody's
 * request on. With a `token` also for whoever sends it as bearer (RFC 6750 §2.1), and for whom the application has `admitted`,
 * from anywhere.
 */
export function metricsRoutes(
  registry: Pick<Registry, 'contentType' | 'metrics'>,
  token: string | null = null,
  admitted: (request: Request) => boolean = () => false,
) {
  return new Elysia({ name: 'metrics' }).get(
    '/metrics',
    async ({ request, server }) => {
      const peer = server?.requestIP(request)?.address ?? '';
      const sent = BEARER.exec(request.headers.get('authorization') ?? '')?.[1];
      const known = admitted(request) || (token !== null && sent !== undefined && sameText(sent, token));
      if (!known && !isFromThisMachine(peer, request.headers)) throw token === null ? elsewhere() : unknown();
      const headers = { 'content-type': registry.contentType, 'cache-control': 'no-store' };
      return new Response(await registry.metrics(), { headers });
    },
    {
      detail: {
        operationId: 'metrics',
        tags: ['Health'],
        summary: 'Metrics for Prometheus, on this machine or with the metrics token',
      },
    },
  );
}

const BEARER = /^Bearer +([^ ]+)$/i;

function elsewhere(): Problem {
  return new Problem(403, 'Forbidden', 'Metrics are for this machine only.');
}

function unknown(): Problem {
  const challenge = { 'www-authenticate': 'Bearer realm="metrics"' };
  return new Problem(
    401,
    'Unauthorized',
    'From elsewhere than this machine, metrics need the metrics token.',
    challenge,
  );
}
