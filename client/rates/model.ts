import { t } from 'elysia';
import type { Rate } from '../../server/contract';

/** A rate as some server sends it: symbol and rate are certain, an older server may leave the rest out. */
export type SeenRate = Pick<Rate, 'symbol' | 'rate'> & Partial<Rate>;

/** What a rate is, for the documentation: the server's own words are passed on as they come. */
export const RateModel = t.Object({
  symbol: t.String({ examples: ['BTC'] }),
  name: t.Optional(t.String({ examples: ['Bitcoin'] })),
  rate: t.Number({ description: 'US dollars.', examples: [44997.11] }),
  change_24h: t.Optional(t.Number({ description: 'Percent against the rate 24 hours ago.', examples: [-0.0064] })),
  high_24h: t.Optional(t.Number({ examples: [45210.5] })),
  low_24h: t.Optional(t.Number({ examples: [44780.02] })),
  updated_at: t.Optional(t.String({ format: 'date-time', examples: ['2026-01-01T00:00:00.000Z'] })),
});

/** The server's answer as rates, or null when it is none. */
export function readRates(data: unknown): readonly SeenRate[] | null {
  return Array.isArray(data) && data.every(isRate) ? data : null;
}

function isRate(value: unknown): value is SeenRate {
  if (typeof value !== 'object' || value === null || !('symbol' in value) || !('rate' in value)) return false;
  return typeof value.symbol === 'string' && typeof value.rate === 'number' && Number.isFinite(value.rate);
}
