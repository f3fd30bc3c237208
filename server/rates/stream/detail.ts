import { bareAnswer, refusal } from '../../../kit/http/answers';
import { jsonSchema } from '../../../kit/http/openapi';
import { MALFORMED, REFUSALS, SECURITY, SYMBOLS_PARAMETER, UNKNOWN } from '../detail';
import { STREAM_MESSAGES } from './model';

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header' as const,
  required: false,
  description:
    'The last id that you had: the ticks since then come one by one, or a fresh snapshot when they are no longer known.',
  schema: { type: 'string' as const },
  example: '1042',
};

const FULL = refusal(
  'This server has as many streams as it can take, or is stopping',
  { status: 503, title: 'Service Unavailable', detail: 'This server has as many streams as it can take.' },
  { 'Retry-After': ['In seconds.', '30'] },
);

/** Where all messages are described. */
const ASYNCAPI = { url: '/docs/asyncapi.json', description: 'All messages, here and over WebSocket (AsyncAPI 3.0)' };

/** OpenAPI knows no operation that ends in another protocol; what it says of the events leads to the socket as well. */
export const SOCKET_DETAIL = { hide: true };

/** What the document says of the events. */
export const EVENTS_DETAIL = {
  operationId: 'streamRates',
  tags: ['Rates'],
  summary: 'Rates as they change, as server-sent events',
  description:
    'A `snapshot`, then an `update` with each tick, until the token ends; `shutdown` says when to come back. The id of an event is its `seq`. The same messages come over WebSocket at `/api/currency/stream`.',
  externalDocs: ASYNCAPI,
  parameters: [SYMBOLS_PARAMETER, LAST_EVENT_ID],
  security: SECURITY,
  responses: {
    200: {
      ...bareAnswer('Events', { 'Cache-Control': ['Nobody keeps it.', 'no-store'] }),
      content: { 'text/event-stream': { schema: jsonSchema(STREAM_MESSAGES.update) } },
    },
    ...REFUSALS,
    404: UNKNOWN,
    422: MALFORMED,
    503: FULL,
  },
};
