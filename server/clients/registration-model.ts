import { type Static, t } from 'elysia';
import { displayName, moment, nullable, plainText } from '../../kit/http/schemas';
import { RATES_SCOPE } from '../oauth/resource';
import { AuthMethod, JsonWebKeys } from './model';

/** An initial access token, as it is listed: never the token itself. */
export const RegistrationTokenView = t.Object(
  {
    id: t.Integer({ description: 'Number of the token.', examples: [1] }),
    label: t.String({ description: 'What people call it.' }),
    hint: t.String({ description: 'Its last four characters.', examples: ['x7Qk'] }),
    state: t.UnionEnum(['live', 'ended']),
    uses_left: nullable(t.Integer({ description: 'Clients that may still be registered with it; null: any number.' })),
    created_at: moment('When it was made.'),
    expires_at: moment('When it ends.'),
    last_used_at: nullable(moment('When it was last used; null: never.')),
  },
  { description: 'An initial access token (RFC 7591 §3).' },
);

/** An initial access token, as it is listed. */
export type RegistrationTokenView = Static<typeof RegistrationTokenView>;

const url = (what: string) =>
  t.Optional(
    t.String({
      pattern: '^https?://[!-~]+$',
      maxLength: 2_048,
      description: what,
      error: 'must be a URL of http or https',
    }),
  );
const text = (max: number, description: string) => t.Optional(plainText(1, max, { description }));
const tlsName = (description: string) => text(512, description);

/** What a client says of itself to be registered (RFC 7591 §2, RFC 8705 §2.1.2 and §3.4, RFC 9449 §5.2). Unknown members are ignored. */
export const ClientMetadata = t.Object(
  {
    client_name: t.Optional(displayName(128, { description: 'A name for people.' })),
    token_endpoint_auth_method: t.Optional(AuthMethod),
    grant_types: t.Optional(
      t.Array(t.Literal('client_credentials', { error: 'must be client_credentials' }), {
        minItems: 1,
        maxItems: 1,
        error: 'must be ["client_credentials"]',
      }),
    ),
    response_types: t.Optional(t.Array(t.String(), { maxItems: 0, error: 'must be []' })),
    scope: t.Optional(
      t.String({
        pattern: '^[!-~]{1,128}(?: [!-~]{1,128}){0,99}$',
        description: `${RATES_SCOPE} is all that can be got by registering; a replacement may name what the client has.`,
        error: `must be ${RATES_SCOPE}`,
      }),
    ),
    jwks: t.Optional(JsonWebKeys),
    jwks_uri: t.Optional(t.String({ description: 'https', error: 'must be an https URL' })),
    dpop_bound_access_tokens: t.Optional(t.Boolean({ error: 'must be true or false' })),
    tls_client_auth_subject_dn: tlsName('RFC 8705 §2.1.2; exactly one of the five.'),
    tls_client_auth_san_dns: tlsName('A DNS name.'),
    tls_client_auth_san_uri: tlsName('A URI.'),
    tls_client_auth_san_ip: tlsName('An IP address.'),
    tls_client_auth_san_email: tlsName('An e-mail address.'),
    tls_client_certificate_bound_access_tokens: t.Optional(t.Boolean({ error: 'must be true or false' })),
    client_uri: url('A page about the client.'),
    logo_uri: url('Its picture.'),
    tos_uri: url('Its terms of service.'),
    policy_uri: url('Its privacy policy.'),
    contacts: t.Optional(
      t.Array(plainText(1, 256), {
        maxItems: 10,
        error: 'must be a list of at most ten texts',
      }),
    ),
    software_id: text(128, 'The same for every copy of the software.'),
    software_version: text(128, 'Its version.'),
  },
  { additionalProperties: true, error: 'must be a JSON object', description: 'Client metadata (RFC 7591 §2).' },
);

/** Checked metadata. */
export type ClientMetadata = Static<typeof ClientMetadata>;

/** Members that are kept as they are, for people. */
export const DESCRIPTIVE_MEMBERS = [
  'client_uri',
  'logo_uri',
  'tos_uri',
  'policy_uri',
  'contacts',
  'software_id',
  'software_version',
] as const satisfies readonly (keyof ClientMetadata)[];

const { properties } = ClientMetadata;

/** What a registered client is told of itself (RFC 7591 §3.2.1, RFC 7592 §3). */
export const ClientInformation = t.Object(
  {
    ...properties,
    client_id: t.String({ examples: ['0b51f3c9-6a4a-4a3c-9d7b-6f2d7f0d3b11'] }),
    client_id_issued_at: t.Integer({ description: 'Seconds since the epoch.' }),
    client_secret: t.Optional(t.String({ description: 'Shown when it is made, and never again.' })),
    client_secret_expires_at: t.Optional(t.Integer({ description: 'Seconds since the epoch; 0: never.' })),
    registration_access_token: t.String({ description: 'To read, change and remove the registration with.' }),
    registration_client_uri: t.String({ format: 'uri', description: 'Where the registration is read and changed.' }),
  },
  { additionalProperties: true, description: 'A registered client (RFC 7591 §3.2.1).' },
);
