import { Elysia } from 'elysia';
import type { Registry } from 'prom-client';
import { isFromThisMachine } from './local';
import { Problem } from './problem';

/**
 * `/metrics` in the Prometheus text format, for this machine alone: a loopback peer that names a loopback host and passes
 * nobody's request on.
 */
export function metricsRoutes(registry: Registry) {
  return new Elysia({ name: 'metrics' }).get(
    '/metrics',
    async ({ request, server }) => {
      const peer = server?.requestIP(request)?.address ?? '';
      if (!isFromThisMachine(peer, request.headers)) throw elsewhere();
      const headers = { 'content-type': registry.contentType, 'cache-control': 'no-store' };
      return new Response(await registry.metrics(), { headers });
    },
    { detail: { operationId: 'metrics', tags: ['Health'], summary: 'Metrics for Prometheus, on this machine only' } },
  );
}

function elsewhere(): Problem {
  return new Problem(403, 'Forbidden', 'Metrics are for this machine only.');
}
