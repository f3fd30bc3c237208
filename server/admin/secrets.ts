import { Elysia } from 'elysia';
import { createSecretActs } from '../clients/secret-acts';
import type { SecretManagement } from '../clients/secret-management';
import { RotatedSecret, RotationBody, SecretList } from '../clients/secret-model';
import type { Tell } from '../oauth/event';
import { type Access, done, reply } from './access';
import { describeRoute } from './detail';
import { Done } from './model';
import { readClientId } from './path';

/** What the routes of secrets need. */
export interface SecretRoutesOptions {
  readonly access: Access;
  readonly secrets: SecretManagement;
  readonly tell: Tell;
}

const LIST = '/api/admin/clients/:client_id/secrets';

/** The secrets of a client. */
export function adminSecretRoutes({ access, secrets, tell }: SecretRoutesOptions) {
  const acts = createSecretActs({ secrets, tell });
  const actOf = (id: string, request: Request) => ({
    clientId: readClientId(id),
    actor: access.actorOf(request).name,
    request,
  });
  return new Elysia({ name: 'admin-secrets' })
    .get(LIST, async ({ params }) => reply({ items: await secrets.list(readClientId(params.client_id)) }), {
      transform: access.admit,
      response: { 200: SecretList },
      detail: describeRoute('adminListSecrets', 'List the secrets of a client'),
    })
    .post(
      LIST,
      async ({ body, params, request }) => reply(await acts.rotate(actOf(params.client_id, request), body), 201),
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
        await acts.revoke(actOf(params.client_id, request), params.secret_id);
        return done();
      },
      {
        transform: access.admit,
        response: { 204: Done },
        detail: describeRoute('adminRevokeSecret', 'End a secret now', 'The last live secret cannot be ended.'),
      },
    );
}
