import { Elysia, t } from 'elysia';
import { KeyView } from '../tokens/key-view';
import type { Keyring } from '../tokens/keys';
import { type Access, reply } from './access';
import { describeRoute } from './detail';

/** What the routes of signing keys need; the keyring itself tells what happened to its keys. */
export interface KeyRoutesOptions {
  readonly access: Access;
  readonly keyring: Pick<Keyring, 'list' | 'rotate' | 'revoke'>;
}

const KeyList = t.Object({ items: t.Array(KeyView) });

/** Signing keys. */
export function keyRoutes({ access, keyring }: KeyRoutesOptions) {
  const route = (operationId: string, summary: string, description?: string) => ({
    transform: access.admit,
    response: { 200: KeyList },
    detail: describeRoute(operationId, summary, description),
  });
  return new Elysia({ name: 'admin-keys' })
    .get('/api/admin/keys', async () => reply({ items: await keyring.list() }), route('listKeys', 'List signing keys'))
    .post(
      '/api/admin/keys/rotate',
      async ({ request }) => reply({ items: await keyring.rotate({ actor: access.actorOf(request).name, request }) }),
      route('rotateKeys', 'Let the next signing key take over', 'Not before it has been published long enough.'),
    )
    .post(
      '/api/admin/keys/:kid/revoke',
      async ({ params, request }) => {
        await keyring.revoke(params.kid, { actor: access.actorOf(request).name, request });
        return reply({ items: await keyring.list() });
      },
      route(
        'revokeKey',
        'Revoke a signing key',
        'Tokens that it signed are dead at once; another key signs from now on.',
      ),
    );
}
