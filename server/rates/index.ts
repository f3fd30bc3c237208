/** The protected resource: `/api/currency`, rates that move while you look (RFC 6750 for who may). Apart from tokens, of which it knows the guard alone. */
import { cron } from '@elysiajs/cron';
import { Elysia } from 'elysia';
import type { Log } from '../../kit/logs';
import type { Guard } from '../tokens/guard';
import { Rate, Rates, RatesQuery, SymbolParameter } from './model';
import type { RateReads, Representation } from './service';
import type { Ticker } from './ticker';

/** What the routes need. */
export interface RateRoutesOptions {
  readonly reads: RateReads;
  readonly guard: Guard;
}

/** Routes of the rates. */
export function rateRoutes({ reads, guard }: RateRoutesOptions) {
  const security = [{ accessToken: ['currency:read'] }];
  return new Elysia({ name: 'rates' })
    .get(
      '/api/currency/',
      ({ request, query }) => guard(request, () => represent(request, reads.list(query.symbols))),
      {
        query: RatesQuery,
        response: { 200: Rates },
        detail: { operationId: 'listRates', tags: ['Rates'], summary: 'All rates', security },
      },
    )
    .get(
      '/api/currency/:symbol',
      ({ request, params }) => guard(request, () => represent(request, reads.one(params.symbol))),
      {
        params: SymbolParameter,
        response: { 200: Rate },
        detail: { operationId: 'getRate', tags: ['Rates'], summary: 'One rate', security },
      },
    );
}

/** Rates may be kept by the caller alone and must be asked about again each time (RFC 9111 §5.2.2). */
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' };

function represent(request: Request, { etag, bytes }: Representation): Response {
  const known = request.headers.get('if-none-match');
  const headers = { ...HEADERS, etag };
  if (known !== null && matches(known, etag)) return new Response(null, { status: 304, headers });
  return new Response(bytes, { headers });
}

/** `If-None-Match` compares weakly (RFC 9110 §13.1.2). */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** The timer that makes the market move, every `periodSeconds`; it starts with the server and stops with it. */
export function tickTimer({ ticker, periodSeconds, log }: { ticker: Ticker; periodSeconds: number; log: Log }) {
  let failing = false;
  return new Elysia({ name: 'tick-timer' })
    .use(
      cron({
        name: 'tick',
        // Every second, thinned out by `interval`: a step like */7 would be uneven at the end of the minute.
        pattern: '* * * * * *',
        interval: periodSeconds,
        protect: true,
        paused: true,
        // One line when ticks begin to fail and one when they are back, not one every three seconds.
        catch: (error) => {
          if (!failing) log.error('ticks fail; the rates stay as they were last committed', { error });
          failing = true;
        },
        run: async () => {
          await ticker.tick();
          if (failing) log.info('ticks are made again');
          failing = false;
        },
      }),
    )
    .onStart(({ store }) => void store.cron.tick.resume())
    .onStop(({ store }) => store.cron.tick.stop());
}
