import { type Static, t } from 'elysia';
import { displayName, moment } from '../../kit/http/schemas';
import { CLIENT_ID_PATTERN } from '../oauth/client';
import { RESOURCE_URI_CHARACTERS_MAX } from '../oauth/resource';
import { SCOPE_CHARACTERS_MAX } from '../oauth/scope';

/** Scopes of one resource; more is no ceiling that a person can judge. */
const SCOPES_MAX = 100;

/** One scope token (RFC 6749 §3.3). */
const Scope = t.String({
  pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,128}$',
  error: 'must be 1 to 128 printable ASCII characters without space, quotation mark and backslash',
});

const Name = displayName(128, { description: 'A name for people.', examples: ['Billing'] });

const Scopes = t.Array(Scope, {
  minItems: 1,
  maxItems: SCOPES_MAX,
  uniqueItems: true,
  description: `What tokens for it may allow; all together at most ${SCOPE_CHARACTERS_MAX} characters with the spaces between.`,
  error: `must be 1 to ${SCOPES_MAX} different scopes`,
  examples: [['billing:read']],
});

const IntrospectionClients = t.Array(
  t.String({ pattern: CLIENT_ID_PATTERN, error: 'must be a client_id', examples: ['billing-api'] }),
  {
    maxItems: 100,
    uniqueItems: true,
    description: 'Clients that may introspect every token for this resource.',
    error: 'must be at most 100 different client ids',
  },
);

/** Body of a new resource server (RFC 8707 §2). */
export const NewResource = t.Object(
  {
    identifier: t.String({
      minLength: 1,
      maxLength: RESOURCE_URI_CHARACTERS_MAX,
      description: 'An absolute URI without a fragment; it is the audience of the tokens.',
      error: `must be an absolute URI of at most ${RESOURCE_URI_CHARACTERS_MAX} characters`,
      examples: ['https://billing.example.com/api'],
    }),
    name: Name,
    scopes: Scopes,
    introspection_clients: t.Optional(IntrospectionClients),
  },
  { error: 'must be a JSON object', additionalProperties: false },
);

/** A checked new resource. */
export type NewResource = Static<typeof NewResource>;

/** Body of a change of a resource: what is left out stays. */
export const ResourceChange = t.Object(
  { name: t.Optional(Name), scopes: t.Optional(Scopes), introspection_clients: t.Optional(IntrospectionClients) },
  { error: 'must be a JSON object', additionalProperties: false },
);

/** A checked change of a resource. */
export type ResourceChange = Static<typeof ResourceChange>;

/** A resource as the administrator sees it. */
export const ResourceView = t.Object({
  id: t.Integer({ examples: [3] }),
  identifier: t.String({ description: 'Its absolute URI.', examples: ['https://billing.example.com/api'] }),
  name: t.String({ examples: ['Billing'] }),
  scopes: t.Array(t.String(), { examples: [['billing:read']] }),
  introspection_clients: t.Array(t.String()),
  built_in: t.Boolean({ description: 'True for the two of this server, which stay as they are.' }),
  created_at: moment('When it was registered.'),
});

/** What {@link ResourceView} describes. */
export type ResourceView = Static<typeof ResourceView>;
