import { type Static, t } from 'elysia';

/** `client_id`: unreserved characters of RFC 3986 only, so that it is the same in a header, a form and a path. */
export const CLIENT_ID_PATTERN = '^[A-Za-z0-9._~-]{1,128}$';

/** True for what can be a `client_id`. */
export function isClientId(text: string): boolean {
  return new RegExp(CLIENT_ID_PATTERN).test(text);
}

/**
 * Text of UTF-8 without C0 controls, DEL and C1 controls. Counted in characters: a surrogate pair is one (`maxLength`
 * counts it as two), and half of one is none.
 */
const textOf = (min: number, max: number): string =>
  `^(?:[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]|[^\\u0000-\\u001F\\u007F-\\u009F\\uD800-\\uDFFF]){${min},${max}}$`;

/** Body of `POST /api/auth/register`. */
export const Registration = t.Object(
  {
    client_id: t.String({
      pattern: CLIENT_ID_PATTERN,
      description: 'The id to register: 1 to 128 of A-Z a-z 0-9 . _ ~ -',
      error: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
      examples: ['my-machine'],
    }),
    client_secret: t.String({
      pattern: textOf(16, 256),
      description:
        'The secret to register: 16 to 256 characters without control characters. Stored as an argon2id hash.',
      error: 'must be 16 to 256 characters without control characters',
      examples: ['correct-horse-battery-staple'],
    }),
    app_name: t.String({
      pattern: textOf(1, 128),
      description: 'A name for people: 1 to 128 characters.',
      error: 'must be 1 to 128 characters without control characters',
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
