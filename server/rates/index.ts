/** The protected resource: `/api/currency`, rates that move while you look (RFC 6750 for who may). Apart from tokens, of which it knows the guard alone. */
import { cron } from '@elysiajs/cron';
import { Elysia } from 'elysia';
import { matchesEtag } from '../../kit/http/etag';
import type { Log } from '../../kit/logs';
import { RATES_SCOPE } from '../oauth/resource';
import type { Guard } from '../tokens/guard';
import { LIST_DETAIL, Rate, SYMBOL_PARAMETER } from './model';
import type { RateReads, Representation } from './service';
import type { Ticker } from './ticker';

/** What the routes need. */
export interface RateRoutesOptions {
  readonly reads: RateReads;
  readonly guard: Guard;
}

/** Routes of the rates. */
export function rateRoutes({ reads, guard }: RateRoutesOptions) {
  const security = [{ accessToken: [RATES_SCOPE] }];
  const represent = createReplies();
  const list = hot<Rate[]>(({ request }) =>
    guard(request, () => represent(request, reads.list(symbolsOf(request.url)))),
  );
  return new Elysia({ name: 'rates' })
    .get('/api/currency/', list, { detail: { ...LIST_DETAIL, security } })
    .get(
      '/api/currency/:symbol',
      ({ request, params }) => guard(request, () => represent(request, reads.one(params.symbol ?? ''))),
      {
        response: { 200: Rate },
        detail: {
          operationId: 'getRate',
          tags: ['Rates'],
          summary: 'One rate',
          parameters: [SYMBOL_PARAMETER],
          security,
        },
      },
    );
}

type Handler = (context: { request: Request }) => Response | Promise<Response>;

/**
 * For the route that everybody asks. Elysia waits for each handler whose text looks asynchronous, and runs its schemas on
 * every request: together a tenth of the throughput. A bound function has no text, and the type alone tells callers what
 * comes.
 */
function hot<Body>(handler: Handler): (context: { request: Request }) => Body {
  return handler.bind(null) as unknown as (context: { request: Request }) => Body; // It sends ready bytes of that body.
}

function symbolsOf(url: string): string | null {
  const at = url.indexOf('?');
  return at < 0 ? null : new URLSearchParams(url.slice(at)).get('symbols') || null;
}

/** Rates may be kept by the caller alone and must be asked about again each time (RFC 9111 §5.2.2). */
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' };

/**
 * Answers with a representation, or with 304 when the caller has it. Between two ticks the same one is sent thousands of
 * times, and a copy of a ready `Response` costs less than a new one.
 */
function createReplies(): (request: Request, representation: Representation) => Response {
  let ready: { readonly of: Representation; readonly response: Response } | null = null;
  return (request, representation) => {
    const { etag } = representation;
    const known = request.headers.get('if-none-match');
    if (known !== null && matchesEtag(known, etag))
      return new Response(null, { status: 304, headers: { ...HEADERS, etag } });
    if (ready?.of !== representation) {
      ready = { of: representation, response: new Response(representation.bytes, { headers: { ...HEADERS, etag } }) };
    }
    return ready.response.clone() as Response; // Bun's own types name another Response here.
  };
}

const SECOND_MS = 1_000;

/** What the timer stands on. */
export interface TickTimerOptions {
  readonly ticker: Ticker;
  readonly periodSeconds: number;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The timer that makes the market move, every `periodSeconds`; it starts with the server and stops with it. */
export function tickTimer({ ticker, periodSeconds, log, now }: TickTimerOptions) {
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
        // The timer is set by a clock that is read twice: a second that begins in between would be waited for backwards.
        startAt: new Date(now() + SECOND_MS),
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
