import { Type } from '@sinclair/typebox';
import { type Static, t } from 'elysia';
import { label, moment } from '../../kit/http/schemas';
import { AuthMethod } from '../clients/model';

/** Body of a sign-in at the console. */
export const SignIn = t.Object(
  {
    admin_secret: t.String({
      minLength: 1,
      maxLength: 1024,
      description: "The administrator's secret.",
      error: 'must be 1 to 1024 characters',
    }),
  },
  { description: 'What opens a session.', error: 'must be a JSON object', additionalProperties: true },
);

/** A session as its page sees it. */
export const SessionView = t.Object({
  signed_in: t.Literal(true),
  csrf_token: t.String({ description: 'To be sent as `X-CSRF-Token` with everything that is no mere reading.' }),
  expires_at: moment('When the session ends, however much it is used.'),
  idle_seconds: t.Integer({ description: 'Without a request for so long it ends earlier.', examples: [900] }),
  issuer: t.String({ examples: ['http://localhost:8000'] }),
  version: t.String({ examples: ['1.0.0'] }),
  auth_methods: t.Array(AuthMethod, { description: 'How clients may authenticate here.' }),
});

/** A session as its page sees it. */
export type SessionView = Static<typeof SessionView>;

/** Nothing, with status 204. */
export const Done = t.Void({ description: 'Done' });

/** Where a page of a list begins. */
export const Cursor = t.Optional(
  t.String({
    maxLength: 512,
    description: '`next_cursor` of the page before; left out: the first page.',
    error: 'must be next_cursor of the page before',
  }),
);

/** Items of a page at most; a list without a bound would be one of a whole table. */
const PAGE_MAX = 200;

/** How many items a page has. */
export const PageLimit = t.Optional(
  t.Integer({
    minimum: 1,
    maximum: PAGE_MAX,
    default: 50,
    description: `1 to ${PAGE_MAX}; 50 when left out.`,
    error: `must be a whole number from 1 to ${PAGE_MAX}`,
  }),
);

/** {@link PageLimit} when left out. */
export const PAGE_DEFAULT = 50;

/** Ninety days: who registers machines for longer than that makes another one. */
const REGISTRATION_TOKEN_SECONDS_MAX = 7_776_000;

/** Body of a new initial access token. The framework's own integers take texts of digits too. */
export const NewRegistrationToken = t.Object(
  {
    label: t.Optional(label(64, { description: 'What people call it.' })),
    expires_in_seconds: t.Optional(
      Type.Integer({
        minimum: 60,
        maximum: REGISTRATION_TOKEN_SECONDS_MAX,
        description: 'A day when left out.',
        error: `must be 60 to ${REGISTRATION_TOKEN_SECONDS_MAX} seconds`,
      }),
    ),
    uses: t.Optional(
      t.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), t.Null()], {
        description: 'Clients that may be registered with it; null or left out: any number.',
        error: 'must be 1 to 1000000, or null',
      }),
    ),
  },
  { error: 'must be a JSON object', additionalProperties: false },
);
