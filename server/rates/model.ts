import { type Static, t } from 'elysia';

/** One rate. `rate` is US dollars with at most 15 significant digits, so that a double carries it exactly. */
export const Rate = t.Object({
  symbol: t.String({ examples: ['BTC'] }),
  name: t.String({ examples: ['Bitcoin'] }),
  rate: t.Number({ description: 'US dollars, at most 15 significant digits.', examples: [44997.11] }),
  change_24h: t.Number({
    description: 'Percent against the rate 24 hours ago, or the oldest one known.',
    examples: [-0.0064],
  }),
  high_24h: t.Number({ description: 'Highest rate of the last 24 hours.', examples: [45210.5] }),
  low_24h: t.Number({ description: 'Lowest rate of the last 24 hours.', examples: [44780.02] }),
  updated_at: t.String({ format: 'date-time', description: 'RFC 3339, UTC.', examples: ['2026-01-01T00:00:00.000Z'] }),
});

/** A rate as callers see it. */
export type Rate = Static<typeof Rate>;

/** All rates, in the order of the catalogue. */
export const Rates = t.Array(Rate);

/** Path parameter: any letter case. */
export const SymbolParameter = t.Object({
  symbol: t.String({ description: 'The symbol of a currency, in any letter case.', examples: ['BTC'] }),
});

/**
 * Query of the list. Anything passes, because it is looked at before the token is: who has none is told that first, and a
 * token in the query must reach the guard.
 */
export const RatesQuery = t.Object(
  {
    symbols: t.Optional(
      t.String({
        description: 'Only these, separated by commas, in any letter case.',
        examples: ['BTC,ETH'],
      }),
    ),
  },
  { additionalProperties: true },
);
