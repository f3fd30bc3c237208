import { type Static, t } from 'elysia';
import { moment } from '../../kit/http/schemas';

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
  updated_at: moment('RFC 3339, UTC.'),
});

/** A rate as callers see it. */
export type Rate = Static<typeof Rate>;

/** All rates, in the order of the catalogue. */
export const Rates = t.Array(Rate);
