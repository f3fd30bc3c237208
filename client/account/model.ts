import { t } from 'elysia';
import { displayName, plainText } from '../../kit/http/schemas';
import { CLIENT_ID_PATTERN } from '../config';

const clientId = t.String({
  pattern: CLIENT_ID_PATTERN.source,
  error: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
  examples: ['my-machine'],
});
const clientSecret = plainText(1, 256, { examples: ['correct-horse-battery-staple'] });

/** Body of `POST /api/token`. */
export const SignIn = t.Object({ client_id: clientId, client_secret: clientSecret });

/** Body of `POST /api/configure`. */
export const Configure = t.Object({
  client_id: clientId,
  client_secret: clientSecret,
  app_name: t.Optional(
    displayName(128, { description: 'The name under which it is registered.', examples: ['Price watcher'] }),
  ),
  admin_secret: t.Optional(
    plainText(1, 1024, { description: 'Sent when this credential is registered; kept in memory only.' }),
  ),
});

/** A token for a local process. */
export const TokenAnswer = t.Object({
  access_token: t.String(),
  token_type: t.Literal('Bearer'),
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
