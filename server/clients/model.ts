import { type Static, t } from 'elysia';
import { displayName, moment, nullable, plainText } from '../../kit/http/schemas';
import { AUTH_METHODS, CLIENT_ID_PATTERN, TLS_SUBJECT_KINDS } from '../oauth/client';
import { looksMade } from './secret-format';

/** What the audit trail calls those who are no clients, and what a URL takes for a folder: a client of that name could not be named. */
const RESERVED_IDS = new Set(['admin', 'console', 'server', '.', '..']);

/** What is wrong with a `client_id` that somebody chose (null: nobody did). */
export function reservedFault(clientId: string | null): string | null {
  if (clientId === null) return null;
  if (looksMade(clientId)) return 'client_id has the form of a secret of this server; choose another';
  return RESERVED_IDS.has(clientId.toLowerCase()) ? 'client_id is reserved; choose another' : null;
}

/** Body of `POST /api/auth/register`. */
export const Registration = t.Object(
  {
    client_id: t.String({
      pattern: CLIENT_ID_PATTERN,
      description: 'The id to register: 1 to 128 of A-Z a-z 0-9 . _ ~ -',
      error: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
      examples: ['my-machine'],
    }),
    client_secret: plainText(16, 256, {
      description:
        'The secret to register: 16 to 256 characters without control characters. Stored as an argon2id hash.',
      examples: ['correct-horse-battery-staple'],
    }),
    app_name: displayName(128, {
      description: 'A name for people: 1 to 128 characters.',
      examples: ['Price watcher'],
    }),
  },
  // Members that this version does not know are ignored, as RFC 7591 §2 does.
  { description: 'A client and its chosen secret.', error: 'must be a JSON object', additionalProperties: true },
);

/** A checked registration. */
export type Registration = Static<typeof Registration>;

/** Answer of `POST /api/auth/register`. */
export const Registered = t.Object({
  message: t.Literal('Klient zarejestrowany'),
  id: t.Integer({ description: 'Number of the registration.', examples: [1] }),
});

/** How a client authenticates. */
export const AuthMethod = t.UnionEnum([...AUTH_METHODS], {
  // The framework would put the first one where none was given: a change of something else would change this too.
  default: undefined,
  description: 'How the client authenticates.',
  error: `must be one of ${AUTH_METHODS.join(', ')}`,
});

/** A secret, as it is shown: never the secret itself. */
export const SecretView = t.Object(
  {
    id: t.Integer({ description: 'Number of the secret.', examples: [1] }),
    label: t.String({ description: 'What people call it.' }),
    hint: nullable(t.String({ description: 'Its last four characters, where it can spare them.', examples: ['x7Qk'] })),
    kind: t.UnionEnum(['generated', 'chosen'], { description: 'Made by this server, or chosen at registration.' }),
    state: t.UnionEnum(['live', 'ending', 'ended'], { description: 'Ending: within seven days.' }),
    created_at: moment('When it was made.'),
    expires_at: nullable(moment('When it ends; null: never.')),
    last_used_at: nullable(moment('When it was last used, to within some seconds; null: never.')),
  },
  { description: 'A secret of a client.' },
);

/** A secret, as it is shown. */
export type SecretView = Static<typeof SecretView>;

/** Public keys (RFC 7517 §5). */
export const JsonWebKeys = t.Object(
  { keys: t.Array(t.Record(t.String(), t.Unknown())) },
  { description: 'Public keys (RFC 7517 §5).', error: 'must be a JSON Web Key Set' },
);

/** A client, as the administrator is shown it. */
export const ClientView = t.Object(
  {
    client_id: t.String({ examples: ['my-machine'] }),
    app_name: t.String({ description: 'A name for people.', examples: ['Price watcher'] }),
    is_active: t.Boolean({ description: 'False: it was disabled.' }),
    auth_method: AuthMethod,
    grants: t.Record(t.String(), t.Array(t.String()), { description: 'Resource (absolute URI) → scopes it may get.' }),
    dpop_bound: t.Boolean({ description: 'True: it gets DPoP-bound tokens only (RFC 9449 §5.2).' }),
    certificate_bound: t.Boolean({ description: 'True: it gets certificate-bound tokens only (RFC 8705 §3.4).' }),
    jwks: nullable(JsonWebKeys),
    jwks_uri: nullable(t.String({ description: 'Where its public keys are.' })),
    tls_subject: nullable(t.Object({ kind: t.UnionEnum([...TLS_SUBJECT_KINDS]), value: t.String() })),
    limits: t.Object(
      { api: nullable(t.String({ examples: ['100/s'] })), token: nullable(t.String({ examples: ['20/s'] })) },
      { description: "Limits of its own; null: the server's." },
    ),
    metadata: t.Record(t.String(), t.Unknown(), { description: 'What it says of itself for people (RFC 7591 §2).' }),
    tokens_issued: t.Integer({ description: 'Access tokens issued to it, to within some seconds.' }),
    last_used_at: nullable(moment('When it last authenticated, to within some seconds; null: never.')),
    created_at: moment('When it was registered.'),
    secrets: t.Array(SecretView),
  },
  { description: 'A registered client.' },
);

/** A client, as the administrator is shown it. */
export type ClientView = Static<typeof ClientView>;
