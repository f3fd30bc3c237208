import { Elysia, t } from 'elysia';
import { readRowNumber } from '../../kit/http/row-number';
import { RegistrationTokenView } from '../clients/registration-model';
import type { RegistrationTokens } from '../clients/registration-tokens';
import type { Tell } from '../oauth/event';
import type { EventName } from '../oauth/words';
import { type Access, done, reply } from './access';
import { describeRoute } from './detail';
import { Done, NewRegistrationToken } from './model';

/** What the routes of initial access tokens need. */
export interface RegistrationTokenRoutesOptions {
  readonly access: Access;
  readonly registrationTokens: Pick<RegistrationTokens, 'create' | 'list' | 'remove'>;
  readonly tell: Tell;
}

/** A day: long enough to install a machine, and short enough to be forgotten. */
const DEFAULT_EXPIRES_IN_SECONDS = 86_400;

/** Initial access tokens (RFC 7591 §3). */
export function registrationTokenRoutes({ access, registrationTokens, tell }: RegistrationTokenRoutesOptions) {
  const told = (event: EventName, request: Request, details: Readonly<Record<string, string | number | null>>) =>
    tell({ event, outcome: 'success', actor: access.actorOf(request).name, details }, request);
  return new Elysia({ name: 'admin-registration-tokens' })
    .get('/api/admin/registration-tokens', async () => reply({ items: await registrationTokens.list() }), {
      transform: access.admit,
      response: { 200: t.Object({ items: t.Array(RegistrationTokenView) }) },
      detail: describeRoute('listRegistrationTokens', 'List initial access tokens'),
    })
    .post(
      '/api/admin/registration-tokens',
      async ({ body, request }) => {
        const { label = '', expires_in_seconds: expiresInSeconds = DEFAULT_EXPIRES_IN_SECONDS, uses = null } = body;
        const { registrationToken, view } = await registrationTokens.create({ label, expiresInSeconds, uses });
        await told('registration_token_created', request, {
          token_id: view.id,
          label,
          uses,
          expires_at: view.expires_at,
        });
        return reply({ registration_token: registrationToken, ...view }, 201);
      },
      {
        parse: access.json,
        body: NewRegistrationToken,
        response: {
          201: t.Composite([
            t.Object({ registration_token: t.String({ description: 'Shown this once.', examples: ['rt_…'] }) }),
            RegistrationTokenView,
          ]),
        },
        detail: describeRoute('createRegistrationToken', 'Make an initial access token', 'It is shown this once.'),
      },
    )
    .delete(
      '/api/admin/registration-tokens/:id',
      async ({ params, request }) => {
        const id = readRowNumber(params.id, 'registration token');
        await registrationTokens.remove(id);
        await told('registration_token_revoked', request, { token_id: id });
        return done();
      },
      {
        transform: access.admit,
        response: { 204: Done },
        detail: describeRoute('revokeRegistrationToken', 'Revoke an initial access token'),
      },
    );
}
