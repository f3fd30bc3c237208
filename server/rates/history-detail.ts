// What the document says of ticks and candles, whose routes carry no schemas: the guard stands before any look at a request.
import { bareAnswer, type DescribedHeaders, jsonAnswer, refusal } from '../../kit/http/answers';
import { describeQuery } from '../../kit/http/query';
import { NOT_ACCEPTABLE, negotiation, REFUSALS, SECURITY, SYMBOL_PARAMETER, UNKNOWN, VALIDATORS } from './detail';
import { EXPORTS_MAX, EXPORTS_PER_CLIENT_MAX } from './exports';
import { CandleQuery, Candles, TickPage, TickQuery } from './history-model';

const CSV = `With \`Accept: text/csv\` they come as rows (RFC 4180) with a header row, ${EXPORTS_PER_CLIENT_MAX} answers at a time for one client: 429 beyond.`;

const TAG = '"41-2-mihq1u80-json-identity"';

/** As for all rates, but for the type that was chosen too. */
const TAGGED = {
  ...VALIDATORS,
  ETag: ['Of this tick, this catalogue, this type and this encoding.', TAG],
  Vary: ['What the answer was chosen by.', 'accept, accept-encoding'],
} satisfies DescribedHeaders;

const BACKWARDS = 'must be later than from';

const MALFORMED = refusal(
  'A parameter that is not as described',
  { status: 422, title: 'Unprocessable Content', detail: `to ${BACKWARDS}` },
  {},
  { errors: [{ path: '/to', detail: BACKWARDS }] },
);

const FULL = refusal(
  `${EXPORTS_MAX} answers in CSV are being sent, the most of one server`,
  { status: 503, title: 'Service Unavailable', detail: 'This server writes as many exports as it can.' },
  { 'Retry-After': ['In seconds.', '10'] },
);

/** What both say of their answers, beside the JSON. */
const RESPONSES = {
  304: bareAnswer('You have the latest', TAGGED),
  ...REFUSALS,
  404: UNKNOWN,
  406: NOT_ACCEPTABLE,
  422: MALFORMED,
  503: FULL,
};

const csv = (example: string) => ({ 'text/csv': { schema: { type: 'string' as const }, example } });

const inTicks = jsonAnswer('The ticks', TickPage, TAGGED);
const inCandles = jsonAnswer('The candles', Candles, TAGGED);

/** Of the ticks of a currency. */
export const TICKS_DETAIL = {
  operationId: 'listTicks',
  tags: ['Rates'],
  summary: 'Every tick of a currency, oldest first',
  description: `In the order of their numbers, of retired currencies too. What a currency was listed at comes first, under the number of the tick before. Ticks are kept for \`RETENTION_TICKS\`. ${CSV}`,
  parameters: [SYMBOL_PARAMETER, ...describeQuery(TickQuery), ...negotiation(TAG)],
  security: SECURITY,
  responses: {
    200: {
      ...inTicks,
      content: { ...inTicks.content, ...csv('seq,rate,at\r\n41,44997.11,2026-01-01T00:00:00.000Z\r\n') },
    },
    ...RESPONSES,
  },
};

/** Of the candles of a currency. */
export const CANDLES_DETAIL = {
  operationId: 'listCandles',
  tags: ['Rates'],
  summary: 'Candles of a currency, oldest first',
  description: `Each has every tick in it that was committed before. Without a tick there is no candle. Candles shorter than an hour are kept for \`RETENTION_CANDLES\`, longer ones for ever. ${CSV}`,
  parameters: [SYMBOL_PARAMETER, ...describeQuery(CandleQuery), ...negotiation(TAG)],
  security: SECURITY,
  responses: {
    200: {
      ...inCandles,
      content: {
        ...inCandles.content,
        ...csv(
          'open_time,open,high,low,close,ticks,complete\r\n2026-01-01T00:00:00.000Z,44990.5,45010.02,44981.77,44997.11,20,true\r\n',
        ),
      },
    },
    ...RESPONSES,
  },
};
