import { Elysia } from 'elysia';
import { RotatedSecret, SecretList } from '../clients/model';
import { RotationBody } from '../clients/registration-model';
import type { SecretManagement } from '../clients/secret-management';
import type { Tell } from '../oauth/event';
import { type Access, done, reply } from './access';
import { describeRoute } from './detail';
import { Done } from './model';
import { readClientId, readNumber } from './path';

/** What the routes of secrets need. */
export interface SecretRoutesOptions {
  readonly access: Access;
  readonly secrets: SecretManagement;
  readonly tell: Tell;
}

/** A day: every machine of a fleet has been deployed or has read its configuration again by then. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

const LIST = '/api/admin/clients/:client_id/secrets';

/** The secrets of a client. */
export function adminSecretRoutes({ access, secrets, tell }: SecretRoutesOptions) {
  return new Elysia({ name: 'admin-secrets' })
    .get(LIST, async ({ params }) => reply({ items: await secrets.list(readClientId(params.client_id)) }), {
      transform: access.admit,
      response: { 200: SecretList },
      detail: describeRoute('adminListSecrets', 'List the secrets of a client'),
    })
    .post(
      LIST,
      async ({ body, params, request }) => {
        const clientId = readClientId(params.client_id);
        const { label = '', expires_in_seconds: expiresInSeconds = null } = body;
        const { overlap_seconds: overlapSeconds = DEFAULT_OVERLAP_SECONDS } = body;
        const rotation = { label, expiresInSeconds, overlapSeconds };
        const { clientSecret, secret } = await secrets.rotate(clientId, rotation);
        const actor = access.actorOf(request).name;
        const details = { secret_id: secret.id, overlap_seconds: overlapSeconds };
        await tell({ event: 'secret_created', outcome: 'success', actor, clientId, details }, request);
        const ends = secret.expires_at === null ? 0 : Math.floor(Date.parse(secret.expires_at) / 1000);
        return reply({ client_id: clientId, client_secret: clientSecret, client_secret_expires_at: ends, secret }, 201);
      },
      {
        parse: access.json,
        body: RotationBody,
        response: { 201: RotatedSecret },
        detail: describeRoute(
          'adminRotateSecret',
          'Make a new secret of a client and let the others end',
          'The new secret works at once and is shown this once; every other live one ends after the overlap at the latest. At most five are live at a time.',
        ),
      },
    )
    .delete(
      `${LIST}/:secret_id`,
      async ({ params, request }) => {
        const clientId = readClientId(params.client_id);
        const secretId = readNumber(params.secret_id, 'secret');
        await secrets.revoke(clientId, secretId);
        const actor = access.actorOf(request).name;
        const details = { secret_id: secretId };
        await tell({ event: 'secret_revoked', outcome: 'success', actor, clientId, details }, request);
        return done();
      },
      {
        transform: access.admit,
        response: { 204: Done },
        detail: describeRoute('adminRevokeSecret', 'End a secret now', 'The last live secret cannot be ended.'),
      },
    );
}
