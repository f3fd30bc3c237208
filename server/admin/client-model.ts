import { type Static, t } from 'elysia';
import { displayName, nullable, plainText } from '../../kit/http/schemas';
import { AuthMethod, ClientView, JsonWebKeys, SecretView } from '../clients/model';
import { FirstSecret } from '../clients/secret-model';
import { CLIENT_ID_PATTERN, TLS_SUBJECT_KINDS } from '../oauth/client';
import { RATES_SCOPE } from '../oauth/resource';
import { Cursor, PageLimit } from './model';

/** Resources that one client may be granted, and scopes of each; more is no ceiling that a person can judge. */
const GRANTS_MAX = 100;

const AppName = displayName(128, { description: 'A name for people.', examples: ['Price watcher'] });

const Grants = t.Record(
  t.String({ minLength: 1, maxLength: 512 }),
  t.Array(t.String({ minLength: 1, maxLength: 128, error: 'must be a scope of 1 to 128 characters' }), {
    maxItems: GRANTS_MAX,
    error: `must be a list of at most ${GRANTS_MAX} scopes`,
  }),
  {
    maxProperties: GRANTS_MAX,
    description: 'Resource (absolute URI) → scopes that the client may get.',
    error: 'must be an object of resource URIs with lists of scopes',
    examples: [{ 'http://localhost:8000/api/currency': [RATES_SCOPE] }],
  },
);

const ownLimit = (what: string) =>
  t.Optional(
    nullable(
      t.String({ maxLength: 16, description: what, error: 'must be such as 100/s, or null', examples: ['100/s'] }),
    ),
  );

const Limits = t.Object(
  { api: ownLimit('At protected resources.'), token: ownLimit('At the token endpoint.') },
  {
    description: "Limits of its own; null: the server's. What is left out of a change stays.",
    error: 'must be an object with api and token alone',
    additionalProperties: false,
  },
);

const TlsSubject = t.Object(
  {
    kind: t.UnionEnum([...TLS_SUBJECT_KINDS], {
      default: undefined,
      error: `must be one of ${TLS_SUBJECT_KINDS.join(', ')}`,
    }),
    value: plainText(1, 512),
  },
  {
    description: 'The name in its certificate (RFC 8705 §2.1.2).',
    error: 'must be an object with kind and value alone',
    additionalProperties: false,
  },
);

const flag = (description: string) => t.Optional(t.Boolean({ description, error: 'must be true or false' }));

const SETTINGS = {
  auth_method: t.Optional(AuthMethod),
  jwks: t.Optional(nullable(JsonWebKeys)),
  jwks_uri: t.Optional(nullable(t.String({ minLength: 1, maxLength: 2_048, error: 'must be an https URL' }))),
  tls_subject: t.Optional(nullable(TlsSubject)),
  grants: t.Optional(Grants),
  dpop_bound: flag('True: it gets DPoP-bound tokens only (RFC 9449 §5.2).'),
  certificate_bound: flag('True: it gets certificate-bound tokens only (RFC 8705 §3.4).'),
  limits: t.Optional(Limits),
};

/** A member that is misspelt would otherwise be a setting that silently does not hold. */
const STRICT = { additionalProperties: false, error: 'must be a JSON object with the members of the documentation' };

/** Body of a new client. */
export const NewClientBody = t.Object(
  {
    client_id: t.Optional(
      t.String({
        pattern: CLIENT_ID_PATTERN,
        description: 'Left out: one is made.',
        error: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
        examples: ['my-machine'],
      }),
    ),
    app_name: AppName,
    ...SETTINGS,
    secret: t.Optional(FirstSecret),
  },
  STRICT,
);

/** A checked new client. */
export type NewClientBody = Static<typeof NewClientBody>;

/** Body of a change; what is left out stays. */
export const ClientChangeBody = t.Object({ app_name: t.Optional(AppName), ...SETTINGS }, STRICT);

/** A checked change. */
export type ClientChangeBody = Static<typeof ClientChangeBody>;

/** Which clients are listed. */
export const ClientsQuery = t.Object({
  search: t.Optional(plainText(0, 128, { description: 'Part of the id or the name, in any letter case.' })),
  state: t.Optional(
    t.UnionEnum(['disabled', 'secret_ending'], {
      default: undefined,
      description: 'Disabled, or active with a secret that ends within seven days and is not replaced by a newer one.',
      error: 'must be disabled or secret_ending',
    }),
  ),
  cursor: Cursor,
  limit: PageLimit,
});

/** A page of clients, in the order of their ids. */
export const ClientPage = t.Object({ items: t.Array(ClientView), next_cursor: nullable(t.String()) });

/** A page of clients. */
export type ClientPage = Static<typeof ClientPage>;

/** A client that was made, with what is shown this once. */
export const CreatedClient = t.Object({
  client: ClientView,
  client_secret: nullable(t.String({ description: 'Shown this once.', examples: ['cs_…'] })),
  secret: nullable(SecretView),
});

/** A client that was made. */
export type CreatedClient = Static<typeof CreatedClient>;
