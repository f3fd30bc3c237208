/** The protected resource: `/api/currency`, rates that move while you look (RFC 6750 for who may). Apart from tokens, of which it knows the guard alone. */
import { cron } from '@elysiajs/cron';
import { Elysia } from 'elysia';
import { createRepresent } from '../../kit/http/representation';
import type { Log } from '../../kit/logs';
import type { Guard } from '../tokens/guard';
import { LIST_DETAIL, ONE_DETAIL } from './detail';
import type { Rate } from './model';
import type { RateReads } from './service';
import { symbolsOf } from './symbols';
import type { Ticker } from './ticker';

/** What the routes need. */
export interface RateRoutesOptions {
  readonly reads: RateReads;
  readonly guard: Guard;
}

/** Routes of the rates. */
export function rateRoutes({ reads, guard }: RateRoutesOptions) {
  const represent = createRepresent(HEADERS);
  const list: Handler = ({ request }) => guard(request, () => represent(request, reads.list(symbolsOf(request.url))));
  const one: Handler = ({ request, params }) =>
    guard(request, () => represent(request, reads.one(params.symbol ?? '')));
  return new Elysia({ name: 'rates' })
    .get('/api/currency/', hot<Rate[]>(list), { detail: LIST_DETAIL })
    .get('/api/currency/:symbol', hot<Rate>(one), { detail: ONE_DETAIL });
}

/** What a handler is given; a path without parameters has none. */
interface Asked {
  readonly request: Request;
  readonly params: { readonly symbol?: string };
}

type Handler = (asked: Asked) => Response | Promise<Response>;

/**
 * For the routes that everybody asks. Elysia waits for each handler whose text looks asynchronous, and runs its schemas on
 * every request: together a tenth of the throughput. A bound function has no text, and the type alone tells callers what
 * comes.
 */
function hot<Body>(handler: Handler): (asked: Asked) => Body {
  return handler.bind(null) as unknown as (asked: Asked) => Body; // It sends ready bytes of that body.
}

/** Rates may be kept by the caller alone and must be asked about again each time (RFC 9111 §5.2.2). */
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' };

const SECOND_MS = 1_000;

/** What the timer stands on. */
export interface TickTimerOptions {
  readonly ticker: Pick<Ticker, 'tick' | 'settled'>;
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
        // Not of the machine's time zone: where summer time ends, the next second is an hour away.
        utcOffset: 0,
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
    .onStart(({ store }) => {
      const { tick } = store.cron;
      // It has served its purpose: a clock that is set back to before it would be waited for.
      delete tick.options.startAt;
      tick.resume();
    })
    .onStop(({ store }) => store.cron.tick.stop());
}
