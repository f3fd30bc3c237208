/** The rates to local users: `/api/currencies`, as the server's while it answers, the last ones for a while when not. Apart from credentials/, of which nothing is known here. */
import { Elysia, t } from 'elysia';
import { notFound, Problem } from '../../kit/http/problem';
import { namedCredential } from '../credential-parameter';
import type { Clock } from '../ports';
import { type Feed, type FeedState, STALE_MS_MAX } from './feed';
import { RateModel, type SeenRate } from './model';

/** What the routes need. */
export interface RatesRoutesOptions {
  /** The rates as a credential gets them; null: the one in use. Throws Problem 404. */
  readonly feedOf: (name: string | null) => Pick<Feed, 'refresh'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Routes of the rates. */
export function ratesRoutes({ feedOf, clock }: RatesRoutesOptions) {
  const current = async (request: Request) => usable(await feedOf(namedCredential(request)).refresh(), clock.now());
  return new Elysia({ name: 'rates' })
    .get(
      '/api/currencies',
      async ({ request }) => {
        const { rates, headers } = await current(request);
        return new Response(JSON.stringify(rates), { headers });
      },
      {
        response: { 200: t.Array(RateModel) },
        detail: { operationId: 'listCurrencies', tags: ['Rates'], summary: 'All rates', description: STALENESS },
      },
    )
    .get(
      '/api/currencies/:symbol',
      async ({ params, request }) => {
        const { rates, headers } = await current(request);
        const symbol = params.symbol.toUpperCase();
        const rate = rates.find((one) => one.symbol.toUpperCase() === symbol);
        if (rate === undefined) throw notFound('The server knows no currency with this symbol.');
        return new Response(JSON.stringify(rate), { headers });
      },
      {
        params: t.Object({
          symbol: t.String({ description: 'The symbol of a currency, in any letter case.', examples: ['BTC'] }),
        }),
        response: { 200: RateModel },
        detail: { operationId: 'getCurrency', tags: ['Rates'], summary: 'One rate', description: STALENESS },
      },
    );
}

const STALENESS = `While the server refuses this client, 502. While it cannot be reached, the last rates are given for ${STALE_MS_MAX / 60_000} minutes with a \`Warning: 110\` header and their \`Age\` in seconds; after that, 503.`;

interface Usable {
  readonly rates: readonly SeenRate[];
  readonly headers: Record<string, string>;
}

/** The rates that may be given out, with what must be said of them (RFC 9111 §5.1; RFC 7234 §5.5.1). Else 502 or 503. */
function usable({ last, ageMs, outage }: FeedState, nowMs: number): Usable {
  // Rates from before are for a server that cannot be asked, not for a client that it has turned away.
  if (outage?.kind === 'refused') throw new Problem(502, 'Bad Gateway', outage.reason);
  if (last === null || (outage !== null && ageMs > STALE_MS_MAX)) {
    const waitMs = (outage?.nextAttemptAtMs ?? nowMs) - nowMs;
    const headers = { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) };
    throw new Problem(503, 'Service Unavailable', outage?.reason ?? 'There are no rates yet.', headers);
  }
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-cache',
    age: String(Math.floor(ageMs / 1000)),
  };
  return {
    rates: last.rates,
    headers: outage === null ? headers : { ...headers, warning: '110 - "Response is Stale"' },
  };
}
