// What the document says of the routes, which carry no schemas: the guard stands before any look at a request.
import { bareAnswer, type DescribedHeaders, jsonAnswer, refusal } from '../../kit/http/answers';
import { COMPRESSED_BYTES_MIN } from '../../kit/http/representation';
import { RATES_SCOPE } from '../oauth/resource';
import { Rate, Rates } from './model';
import { SYMBOLS_MAX } from './symbols';

/** Whose path parameter is the symbol of a currency. */
export const SYMBOL_PARAMETER = {
  name: 'symbol',
  in: 'path' as const,
  required: true,
  description: 'The symbol of a currency, in any letter case.',
  schema: { type: 'string' as const },
  example: 'BTC',
};

/** Which currencies are wanted. */
export const SYMBOLS_PARAMETER = {
  name: 'symbols',
  in: 'query' as const,
  required: false,
  description: `Only these, in this order: up to ${SYMBOLS_MAX}, separated by commas, in any letter case. Left out or empty: all.`,
  schema: { type: 'string' as const },
  example: 'BTC,ETH',
};

/** An entity tag as these answers have them: of a tick, a catalogue and an encoding. */
const TAG = '"41-2-mihq1u80-identity"';

/** What a caller may send to be spared bytes; `tag` is one that he may have. */
export const negotiation = (tag = TAG) => [
  {
    name: 'If-None-Match',
    in: 'header' as const,
    required: false,
    description: 'The `ETag` of the answer you have: 304 while it is the latest.',
    schema: { type: 'string' as const },
    example: tag,
  },
  {
    name: 'Accept-Encoding',
    in: 'header' as const,
    required: false,
    description: `gzip and zstd are made, of answers from ${COMPRESSED_BYTES_MIN} bytes on, and of CSV of any length; without it you are sent plain text.`,
    schema: { type: 'string' as const },
    example: 'zstd, gzip;q=0.5',
  },
];

const LIMIT_HEADERS: DescribedHeaders = {
  'RateLimit-Policy': ['Requests (q) in so many seconds (w).', '"api";q=100;w=1'],
  RateLimit: ['Requests left (r), and the seconds (t) until all may come again.', '"api";r=99;t=1'],
};

/** What a good answer says of itself. */
export const VALIDATORS: DescribedHeaders = {
  ETag: ['Of this tick, this catalogue and this encoding.', TAG],
  'Cache-Control': ['Keep it for yourself, and ask each time whether it is the latest.', 'private, no-cache'],
  Vary: ['What the answer was chosen by.', 'accept-encoding'],
  ...LIMIT_HEADERS,
};

const challenge = (error: string): DescribedHeaders => ({
  'WWW-Authenticate': ['RFC 6750 §3, RFC 9728 §5.1', `Bearer realm="crypto-server"${error}`],
});

/** The refusals of every route under `/api/currency`. */
export const REFUSALS = {
  400: refusal(
    'More than one token, a malformed one, or one in the query',
    { status: 400, title: 'Bad Request', detail: 'The token is in the query string.' },
    challenge(', error="invalid_request"'),
  ),
  401: refusal(
    'No token, or one that is expired, revoked or not meant for this resource',
    {
      status: 401,
      title: 'Unauthorized',
      detail: 'This resource needs an access token in the Authorization header: Bearer <token> or DPoP <token>.',
    },
    challenge(''),
  ),
  403: refusal(
    'A token without the scope',
    { status: 403, title: 'Forbidden', detail: `The access token does not have the scope ${RATES_SCOPE}.` },
    challenge(`, error="insufficient_scope", scope="${RATES_SCOPE}"`),
  ),
  429: refusal(
    'Beyond the limit of the client',
    {
      status: 429,
      title: 'Too Many Requests',
      detail: 'This client has sent too many requests. Try again in 1 s.',
    },
    { 'Retry-After': ['In seconds.', '1'], ...LIMIT_HEADERS },
  ),
};

/** For a symbol that no currency has. */
export const UNKNOWN = refusal('No such currency', {
  status: 404,
  title: 'Not Found',
  detail: 'There is no currency NOPE.',
});

/** For who has it already. */
export const NOT_MODIFIED = bareAnswer('You have the latest', VALIDATORS);

/** For who takes no encoding of ours. */
export const NOT_ACCEPTABLE = refusal('`Accept-Encoding` allows no encoding of ours', {
  status: 406,
  title: 'Not Acceptable',
  detail: 'This is sent as it is, as gzip or as zstd, and Accept-Encoding allows none of them.',
});

const TOO_MANY = `names ${SYMBOLS_MAX + 1} currencies; ${SYMBOLS_MAX} are the most, and without it you get all`;

/** Of a query that names too many, or names them twice over. */
export const MALFORMED = refusal(
  '`symbols` given twice, or too long',
  { status: 422, title: 'Unprocessable Content', detail: `symbols ${TOO_MANY}` },
  {},
  { errors: [{ path: '/symbols', detail: TOO_MANY }] },
);

/** What all routes under `/api/currency` ask for. */
export const SECURITY = [{ accessToken: [RATES_SCOPE] }];

/** Of the list. */
export const LIST_DETAIL = {
  operationId: 'listRates',
  tags: ['Rates'],
  summary: 'All rates, or some of them',
  description:
    'From memory, as of the last tick. The path may end with a slash. Parameters that are not known are ignored.',
  parameters: [SYMBOLS_PARAMETER, ...negotiation()],
  security: SECURITY,
  responses: {
    200: jsonAnswer('The rates, in the order of the catalogue or of `symbols`', Rates, VALIDATORS),
    304: NOT_MODIFIED,
    ...REFUSALS,
    404: UNKNOWN,
    406: NOT_ACCEPTABLE,
    422: MALFORMED,
  },
};

/** Of one rate. */
export const ONE_DETAIL = {
  operationId: 'getRate',
  tags: ['Rates'],
  summary: 'One rate',
  parameters: [SYMBOL_PARAMETER, ...negotiation()],
  security: SECURITY,
  responses: {
    200: jsonAnswer('The rate', Rate, VALIDATORS),
    304: NOT_MODIFIED,
    ...REFUSALS,
    404: UNKNOWN,
    406: NOT_ACCEPTABLE,
  },
};
