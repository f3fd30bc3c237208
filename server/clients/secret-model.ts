// Secrets on the wire, the same for the client itself and for the administrator.
import { Type } from '@sinclair/typebox';
import { type Static, t } from 'elysia';
import { label } from '../../kit/http/schemas';
import { SecretView } from './model';
import type { MadeSecret, Rotation } from './secret-management';

/** Ten years: longer is for ever, which is said by null. */
const EXPIRES_IN_SECONDS_MAX = 315_360_000;

/** A quarter of a year: who cannot change over within it leaves the others as they are, which is said by null. */
const OVERLAP_SECONDS_MAX = 7_776_000;

/** A day: every machine of a fleet has been deployed or has read its configuration again by then. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

/** Whole seconds, or null. The framework's own integers take texts of digits too, which a body has no need for. */
const seconds = (minimum: number, maximum: number, description: string) =>
  t.Optional(
    t.Union([Type.Integer({ minimum, maximum }), t.Null()], {
      description,
      error: `must be ${minimum} to ${maximum} seconds as a number, or null`,
    }),
  );

/** What a new secret is given along. A member that is misspelt would otherwise be a setting that silently does not hold. */
const NEW_SECRET = {
  label: t.Optional(label(64, { description: 'What people call the new secret.' })),
  expires_in_seconds: seconds(60, EXPIRES_IN_SECONDS_MAX, 'When the new secret ends; null or left out: never.'),
};

/** The first secret of a client. */
export const FirstSecret = t.Object(NEW_SECRET, {
  additionalProperties: false,
  description: 'Its first secret.',
  error: 'must be an object with label and expires_in_seconds alone',
});

/** Body of a rotation. */
export const RotationBody = t.Object(
  {
    ...NEW_SECRET,
    overlap_seconds: seconds(
      0,
      OVERLAP_SECONDS_MAX,
      'How long the other secrets go on at most: 86400 when left out, 0: they end now, null: they stay.',
    ),
  },
  {
    additionalProperties: false,
    error: 'must be a JSON object with label, expires_in_seconds and overlap_seconds alone',
    description: 'How a secret is changed over.',
  },
);

/** A checked rotation. */
export type RotationBody = Static<typeof RotationBody>;

/** What is asked for, the defaults filled in. */
export function rotationOf(body: RotationBody): Rotation {
  const { label: given = '', expires_in_seconds = null, overlap_seconds = DEFAULT_OVERLAP_SECONDS } = body;
  return { label: given, expiresInSeconds: expires_in_seconds, overlapSeconds: overlap_seconds };
}

/** Secrets of a client. */
export const SecretList = t.Object({ items: t.Array(SecretView) });

/** Answer of a rotation. */
export const RotatedSecret = t.Object({
  client_id: t.String({ examples: ['my-machine'] }),
  client_secret: t.String({ description: 'The new secret, shown this once.', examples: ['cs_…'] }),
  client_secret_expires_at: t.Integer({ description: 'Seconds since the epoch; 0: never.' }),
  secret: SecretView,
  others: t.Array(SecretView, { description: 'The secrets that were live until now, each with its end.' }),
});

/** Answer of a rotation. */
export type RotatedSecret = Static<typeof RotatedSecret>;

/** What is answered, the new secret shown this once. */
export function rotatedAnswer(clientId: string, { clientSecret, secret, others }: MadeSecret): RotatedSecret {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    client_secret_expires_at: secret.expires_at === null ? 0 : epochSeconds(secret.expires_at),
    secret,
    others: [...others],
  };
}

/** A time on the wire in seconds since the epoch, as RFC 7591 §3.2.1 gives times. */
export function epochSeconds(moment: string): number {
  return Math.floor(Date.parse(moment) / 1_000);
}
