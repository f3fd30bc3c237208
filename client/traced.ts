import { traceOf } from '../kit/http/trace';
import { pathOf } from '../kit/http/url-path';
import type { Log } from '../kit/logs';
import type { Clock, Fetch, RandomBytes } from './ports';

/** What {@link traced} needs. */
export interface TracedDeps {
  readonly fetch: Fetch;
  readonly randomBytes: RandomBytes;
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly log: Log;
}

/**
 * Sends each request as a part of a trace (W3C Trace Context): of the one that a local program has begun, or of one of its own. With it goes
 * an `X-Request-Id` that the server keeps, so that the records of both sides are found by either. Told at `debug`, without the query.
 */
export function traced({ fetch, randomBytes, clock, log }: TracedDeps): Fetch {
  const hex = (bytes: number): string => Buffer.from(randomBytes(bytes)).toString('hex');
  return async (request) => {
    const { id, flags } = traceOf(request) ?? { id: hex(16), flags: '00' };
    const span = hex(8);
    request.headers.set('traceparent', `00-${id}-${span}-${flags}`);
    if (!request.headers.has('x-request-id')) request.headers.set('x-request-id', span);
    const startedMs = clock.elapsed();
    const tell = (outcome: Readonly<Record<string, unknown>>): void =>
      log.debug('called', {
        'trace.id': id,
        'http.request.id': request.headers.get('x-request-id'),
        'http.request.method': request.method,
        'url.domain': new URL(request.url).host,
        'url.path': pathOf(request.url),
        'event.duration': Math.round((clock.elapsed() - startedMs) * 1e6),
        ...outcome,
      });
    try {
      const response = await fetch(request);
      tell({ 'http.response.status_code': response.status });
      return response;
    } catch (error) {
      tell({ error });
      throw error;
    }
  };
}
