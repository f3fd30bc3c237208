import { type Static, t } from 'elysia';
import { displayName, nullable, plainText } from '../../kit/http/schemas';
import { SIGNING_ALGS } from '../auth/keys';
import { CLIENT_ID_PATTERN } from '../config';
import { NAME_PATTERN } from './stored';

const clientId = t.String({
  pattern: CLIENT_ID_PATTERN.source,
  error: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
  examples: ['my-machine'],
});
const clientSecret = plainText(1, 256, { examples: ['correct-horse-battery-staple'] });
const appName = displayName(128, {
  description: 'The name under which it is registered.',
  examples: ['Price watcher'],
});

/** Body of `POST /api/token`. */
export const SignIn = t.Object({ client_id: clientId, client_secret: clientSecret });

/** Body of `POST /api/configure`. */
export const Configure = t.Object({
  client_id: clientId,
  client_secret: clientSecret,
  app_name: t.Optional(appName),
  admin_secret: t.Optional(
    plainText(1, 1024, { description: 'Sent when this credential is registered; kept in memory only.' }),
  ),
});

/** A token for a local process. */
export const TokenAnswer = t.Object({
  access_token: t.String(),
  token_type: t.UnionEnum(['Bearer', 'DPoP'], { default: undefined }),
  expires_in: t.Integer({ description: 'Seconds it still lives.', examples: [7200] }),
});

/** Answer of `POST /api/register`. */
export const RegisterAnswer = t.Object({
  status: t.Literal('success'),
  data: t.Record(t.String(), t.Unknown(), {
    description: "The server's answer, or `existing: true` when the id was there before.",
  }),
  client_id: t.String(),
});

/** Answer of `POST /api/configure`. */
export const ConfigureAnswer = t.Object({
  status: t.Literal('success'),
  message: t.String(),
  client_id: t.String(),
});

/** Name of a credential. */
export const CredentialName = t.String({
  pattern: NAME_PATTERN.source,
  error: 'must be 1 to 64 characters of a-z 0-9 . _ - that begin with a letter or a digit',
  examples: ['billing'],
});

/** Servers of one credential: more replicas than that stand behind one address. */
const SERVERS_MAX = 16;

/** Longer than an RSA key of 4096 bits in PEM. */
const KEY_CHARACTERS_MAX = 8_192;

/** Scopes separated by spaces (RFC 6749 §3.3). */
const SCOPE_PATTERN = '^[!#-\\[\\]-~]+(?: [!#-\\[\\]-~]+)*$';

/** Body of `POST /api/credentials`. */
export const NewCredential = t.Object(
  {
    name: CredentialName,
    client_id: t.Optional(clientId),
    client_secret: t.Optional(clientSecret),
    app_name: t.Optional(appName),
    servers: t.Optional(
      t.Array(t.String({ maxLength: 2_048 }), {
        minItems: 1,
        maxItems: SERVERS_MAX,
        description: 'Base URLs that stand for each other; those of CRYPTO_SERVER_URL when left out.',
        error: `must be a list of 1 to ${SERVERS_MAX} base URLs`,
      }),
    ),
    issuer: t.Optional(
      t.String({
        maxLength: 2_048,
        description: "What the servers' metadata must name; the first server when left out.",
      }),
    ),
    scope: t.Optional(
      t.String({ pattern: SCOPE_PATTERN, maxLength: 1_024, error: 'must be scopes separated by single spaces' }),
    ),
    resource: t.Optional(
      t.String({
        pattern: '^[A-Za-z][A-Za-z0-9+.-]*:[^\\s#]+$',
        maxLength: 2_048,
        description: 'What the tokens are for (RFC 8707).',
        error: 'must be an absolute URI without a fragment',
      }),
    ),
    method: t.Optional(t.UnionEnum(['client_secret', 'private_key_jwt'], { default: undefined })),
    private_key: t.Optional(
      t.Union([t.String({ maxLength: KEY_CHARACTERS_MAX }), t.Record(t.String(), t.Unknown())], {
        description:
          'PEM (PKCS #8) or JWK. With private_key_jwt and neither key nor client_id one is made and registered.',
        error: 'must be a key in PEM or a JWK',
      }),
    ),
    alg: t.Optional(t.UnionEnum([...SIGNING_ALGS], { default: undefined })),
    kid: t.Optional(plainText(1, 256)),
    dpop: t.Optional(t.Boolean({ description: 'Binds the tokens to a key that is made for it (RFC 9449).' })),
    use: t.Optional(t.Boolean({ description: 'Makes it the one that is used when none is named.' })),
  },
  {
    additionalProperties: false,
    description: 'A credential; one without client_id makes itself and registers when it is first needed.',
    error: 'must be a JSON object with name and no other members than are described',
  },
);

/** A checked body of `POST /api/credentials`. */
export type NewCredential = Static<typeof NewCredential>;

const text = nullable(t.String());
const number = nullable(t.Integer());

/** A credential as it is shown: never a secret, a key or a token. */
export const CredentialModel = t.Object({
  name: t.String(),
  active: t.Boolean({ description: 'True for the one that is used when none is named.' }),
  client_id: text,
  app_name: t.String(),
  origin: t.UnionEnum(['environment', 'configured', 'self-made'], { default: undefined }),
  registered: t.Boolean(),
  method: t.UnionEnum(['client_secret', 'private_key_jwt'], { default: undefined }),
  dpop: t.Boolean(),
  servers: t.Array(t.String()),
  issuer: t.String(),
  scope: text,
  resource: text,
  has_token: t.Boolean(),
  token_expires_at: text,
  token_expires_in: number,
  token_scope: text,
  renewal: t.Object({ last_at: text, next_at: text, last_error: text }),
  secret: nullable(
    t.Object({
      count: t.Integer({ description: 'Two while one takes the place of the other.' }),
      expires_at: text,
      rotated_at: text,
      next_rotation_at: text,
      last_error: text,
    }),
  ),
  last_error: text,
});
