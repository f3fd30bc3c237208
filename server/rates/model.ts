import { type Static, t } from 'elysia';
import { jsonSchema } from '../../kit/http/openapi';
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

/** What the document says of the path parameter; the guard stands before any look at it. */
export const SYMBOL_PARAMETER = {
  name: 'symbol',
  in: 'path' as const,
  required: true,
  description: 'The symbol of a currency, in any letter case.',
  schema: { type: 'string' as const, examples: ['BTC'] },
};

/** What the document says of the list, whose route carries no schemas. */
export const LIST_DETAIL = {
  operationId: 'listRates',
  tags: ['Rates'],
  summary: 'All rates',
  parameters: [
    {
      name: 'symbols',
      in: 'query' as const,
      required: false,
      description: 'Only these, separated by commas, in any letter case.',
      schema: { type: 'string' as const, examples: ['BTC,ETH'] },
    },
  ],
  responses: { 200: { description: 'Success', content: { 'application/json': { schema: jsonSchema(Rates) } } } },
};
