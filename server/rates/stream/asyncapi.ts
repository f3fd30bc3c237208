import type { TSchema } from 'elysia';
import { mapValues, type OpenApiDocument, tidySchema } from '../../../kit/http/openapi';
import { RATES_SCOPE } from '../../oauth/resource';
import { SYMBOLS_PARAMETER } from '../detail';
import { STREAM_MESSAGES, STREAM_REQUESTS } from './model';

/** What the document says of the server. */
export interface StreamsDescription {
  readonly version: string;
  /** Its base URL. */
  readonly issuer: string;
}

/** What server-sent events bring; the rest is a dialogue, which they cannot have. */
const EVENT_NAMES = ['snapshot', 'update', 'shutdown'];

const SOCKET = { $ref: '#/channels/stream' };
const EVENTS = { $ref: '#/channels/events' };
const QUERY = {
  type: 'object',
  properties: { symbols: { type: 'string', description: SYMBOLS_PARAMETER.description } },
};

/** The AsyncAPI 3.0 document of both streams, made of the schemas by which messages are written and checked. */
export function describeStreams({ version, issuer }: StreamsDescription): OpenApiDocument {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'crypto-server streams',
      version,
      description:
        'Rates as they change: a snapshot, then an update with each tick, each naming the one before. Over WebSocket, or as server-sent events with the `seq` as id.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      tags: [{ name: 'Rates', description: 'The protected resource.' }],
    },
    defaultContentType: 'application/json',
    servers: serversOf(issuer),
    channels: CHANNELS,
    operations: OPERATIONS,
    components: { messages: MESSAGES, securitySchemes: { accessToken: tokenOf(issuer) } },
  };
}

function serversOf(issuer: string) {
  const { host, protocol } = new URL(issuer);
  const secured = protocol === 'https:' ? 's' : '';
  const shared = { host, security: [{ $ref: '#/components/securitySchemes/accessToken' }] };
  return {
    websocket: {
      ...shared,
      protocol: `ws${secured}`,
      description:
        'Closes with 4401 when the token ends, 4408 when its messages are not read, 1001 when the server stops.',
    },
    events: {
      ...shared,
      protocol: `http${secured}`,
      description: 'Ends when the token ends. `Last-Event-ID` goes on where you were.',
    },
  };
}

function tokenOf(issuer: string) {
  const availableScopes = { [RATES_SCOPE]: 'Read the rates.' };
  return {
    type: 'oauth2',
    description: 'An access token in the Authorization header, as for all rates.',
    flows: { clientCredentials: { tokenUrl: `${issuer}/api/auth/token`, availableScopes } },
    scopes: [RATES_SCOPE],
  };
}

const SCHEMAS: Readonly<Record<string, TSchema>> = { ...STREAM_MESSAGES, ...STREAM_REQUESTS };

const MESSAGES = mapValues(SCHEMAS, (payload, name) => ({ name, payload: tidySchema(payload) }));

const CHANNELS = {
  stream: {
    address: '/api/currency/stream',
    description: 'WebSocket (RFC 6455). A heartbeat comes when nothing else does for ten seconds.',
    servers: [{ $ref: '#/servers/websocket' }],
    messages: messagesOf(Object.keys(SCHEMAS)),
    bindings: { ws: { method: 'GET', query: QUERY, bindingVersion: '0.1.0' } },
  },
  events: {
    address: '/api/currency/events',
    description: 'Server-sent events (HTML §9.2). A comment comes when nothing else does for ten seconds.',
    servers: [{ $ref: '#/servers/events' }],
    messages: messagesOf(EVENT_NAMES),
  },
};

const OPERATIONS = {
  sendRates: {
    action: 'send',
    channel: SOCKET,
    summary: 'Rates as they change',
    messages: among('stream', [...EVENT_NAMES, 'heartbeat']),
  },
  subscribe: request('subscribe', 'Other currencies from now on; a fresh snapshot follows', 'subscribed'),
  authorize: request('authorize', 'Another token, before the one in use ends', 'authorized'),
  sendEvents: {
    action: 'send',
    channel: EVENTS,
    summary: 'Rates as they change',
    messages: among('events', EVENT_NAMES),
    bindings: { http: { method: 'GET', query: QUERY, bindingVersion: '0.3.0' } },
  },
};

function messagesOf(names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function request(name: keyof typeof STREAM_REQUESTS, summary: string, answer: keyof typeof STREAM_MESSAGES) {
  const reply = { channel: SOCKET, messages: among('stream', [answer, 'error']) };
  return { action: 'receive', channel: SOCKET, summary, messages: among('stream', [name]), reply };
}

function among(channel: string, names: readonly string[]) {
  return names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
}
