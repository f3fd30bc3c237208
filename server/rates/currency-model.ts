import { type Static, t } from 'elysia';
import { displayName, moment, nullable } from '../../kit/http/schemas';
import { RATE_MAX, RATE_MIN } from './price';

/** A currency to be listed. Where it would be served, `/api/currency/stream` and `/events`, are the streams. */
export const CurrencyInput = t.Object(
  {
    symbol: t.String({
      pattern: '^(?!(?:STREAM|EVENTS)$)[A-Z0-9]{1,16}$',
      examples: ['TON'],
      error: 'must be 1 to 16 of A-Z and 0-9, and neither STREAM nor EVENTS',
    }),
    name: displayName(64, { examples: ['Toncoin'] }),
    rate: t.Number({
      minimum: RATE_MIN,
      maximum: RATE_MAX,
      description: 'US dollars, at most 15 significant digits.',
      examples: [5.25],
      error: 'must be a number from 0.000000001 to 1000000000000',
    }),
  },
  { error: 'a JSON object with symbol, name and rate', additionalProperties: false },
);

/** A currency to be listed. */
export type CurrencyInput = Static<typeof CurrencyInput>;

/** A currency as the administrator sees it, listed or retired. */
export const CurrencyView = t.Object({
  symbol: t.String(),
  name: t.String(),
  rate: t.Number({ description: 'The last one, in US dollars.' }),
  updated_at: moment('When its rate last moved.'),
  retired_at: nullable(moment('When it was taken off the list; null: it is listed.')),
});

/** A currency as the administrator sees it. */
export type CurrencyView = Static<typeof CurrencyView>;
