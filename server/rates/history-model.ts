import { Type } from '@sinclair/typebox';
import { type Static, t } from 'elysia';
import { instant, moment } from '../../kit/http/schemas';
import type { Length } from './pieces';

/** Interval of candles → minutes. */
export const INTERVALS = { '1m': 1, '5m': 5, '15m': 15, '1h': 60, '4h': 240, '1d': 1440 } as const satisfies Record<
  string,
  Length
>;

/** Items of an answer at most. */
export const LIMIT_MAX = 1_000;

/** Items of an answer in JSON when nobody says how many. */
export const LIMIT_DEFAULT = 500;

const usd = (description: string, example: number) => t.Number({ description, examples: [example] });

/** A tick of one currency. */
export const TickView = t.Object({
  seq: t.Integer({ description: 'Number of the tick of the market.', examples: [41] }),
  rate: usd('US dollars, as `/api/currency` showed it.', 44997.11),
  at: moment('When it was made.'),
});

/** A tick of one currency. */
export type TickView = Static<typeof TickView>;

/** Ticks in the order of their numbers. */
export const TickPage = t.Object({
  items: t.Array(TickView),
  next_cursor: t.Union([t.String(), t.Null()], {
    description: '`cursor` of the next page; null: there is none yet.',
    examples: ['41.1767225600000'],
  }),
});

/** A page of ticks. */
export type TickPage = Static<typeof TickPage>;

/** A candle of one currency. */
export const CandleView = t.Object({
  open_time: moment('A multiple of the interval, in UTC.'),
  open: usd('The rate of its first tick.', 44990.5),
  high: usd('The highest one.', 45010.02),
  low: usd('The lowest one.', 44981.77),
  close: usd('The rate of its last tick.', 44997.11),
  ticks: t.Integer({ description: 'Ticks that went in.', examples: [20] }),
  complete: t.Boolean({
    description: 'False while the market has not ticked after its end: more may come in.',
    examples: [true],
  }),
});

/** A candle of one currency. */
export type CandleView = Static<typeof CandleView>;

/** Candles, oldest first. */
export const Candles = t.Array(CandleView);

const limit = t.Optional(
  Type.Integer({
    minimum: 1,
    maximum: LIMIT_MAX,
    description: `1 to ${LIMIT_MAX}. Left out: ${LIMIT_DEFAULT} in JSON, all in CSV.`,
    error: `must be a whole number from 1 to ${LIMIT_MAX}`,
    examples: [100],
  }),
);

/** Later than any example of `from`: the document's page asks with both as they stand, and is to show something. */
const FAR = '2100-01-01T00:00:00.000Z';

/** Which ticks are asked for. */
export const TickQuery = t.Object({
  from: t.Optional(instant('Ticks from then on. Left out: from the oldest one that is kept.')),
  to: t.Optional(instant('Ticks before then.', FAR)),
  limit,
  cursor: t.Optional(
    t.String({
      pattern: '^\\d{1,15}\\.\\d{1,15}$',
      description: '`next_cursor` of the page before, with the same `from` and `to`.',
      error: 'must be next_cursor of the page before',
    }),
  ),
});

/** Which ticks are asked for. */
export type TickQuery = Static<typeof TickQuery>;

/** Which candles are asked for. */
export const CandleQuery = t.Object({
  interval: t.Optional(
    t.String({
      pattern: `^(?:${Object.keys(INTERVALS).join('|')})$`,
      description: `${Object.keys(INTERVALS)
        .map((name) => `\`${name}\``)
        .join(', ')}; \`1m\` when left out.`,
      error: `must be one of ${Object.keys(INTERVALS).join(', ')}`,
      examples: ['1m'],
    }),
  ),
  from: t.Optional(
    instant(
      'Candles that open then or later. Left out: the last ones before `to`, in CSV without `limit` all of them.',
    ),
  ),
  to: t.Optional(instant('Candles that open before then. Left out: up to the running one.', FAR)),
  limit,
});

/** Which candles are asked for. */
export type CandleQuery = Static<typeof CandleQuery>;
