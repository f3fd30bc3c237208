import { Elysia } from 'elysia';
import { unhurried } from '../../kit/http/listen';
import { Problem } from '../../kit/http/problem';
import { begun, bytesOf } from '../../kit/http/streamed';
import { requestFields } from '../../kit/http/trace';
import type { Log } from '../../kit/logs';
import type { Tell } from '../oauth/event';
import type { Access } from './access';
import { describeRoute } from './detail';

/** The bytes of a backup of the database as it is now; null: the database has ways of its own. */
export type OpenBackup = (() => Promise<AsyncGenerator<Uint8Array>>) | null;

/** What the route of backups needs. */
export interface BackupRoutesOptions {
  readonly access: Access;
  readonly openBackup: OpenBackup;
  readonly tell: Tell;
  readonly log: Log;
}

/** The embedded database as a file. One at a time: each takes the room of the database on the disk. */
export function backupRoutes({ access, openBackup, tell, log }: BackupRoutesOptions) {
  let underWay = false;
  /** Begun, because only such a generator comes to its end when the caller leaves. */
  const open = async (told: () => Promise<void>): Promise<AsyncGenerator<Uint8Array>> => {
    if (openBackup === null)
      throw new Problem(409, 'Conflict', 'The database is not embedded: pg_dump makes its backups (docs/backup.md).');
    if (underWay) throw new Problem(409, 'Conflict', 'Another backup is under way; try again when it is done.');
    underWay = true;
    const bytes = async function* () {
      try {
        await told();
        yield* await openBackup();
      } finally {
        underWay = false;
      }
    };
    return begun(bytes());
  };
  return new Elysia({ name: 'admin-backup' }).post(
    '/api/admin/backup',
    async ({ request, server }) => {
      const actor = access.actorOf(request).name;
      // It is in the trail that it copies.
      const told = (): Promise<void> => tell({ event: 'backup_made', outcome: 'success', actor }, request);
      const bytes = await unhurried(server, request, () => open(told));
      const broken = (error: unknown): void => log.error('a backup was cut off', { error, ...requestFields(request) });
      return new Response(bytesOf(bytes, broken), { headers: HEADERS });
    },
    {
      transform: access.admit,
      detail: {
        ...describeRoute(
          'makeBackup',
          'The embedded database as a file',
          'For `crypto-server restore`. PostgreSQL: 409.',
        ),
        responses: {
          200: { description: 'The backup', content: { 'application/octet-stream': { schema: { type: 'string' } } } },
        },
      },
    },
  );
}

const HEADERS = {
  'content-type': 'application/octet-stream',
  'content-disposition': 'attachment; filename="crypto-server.backup"',
  'cache-control': 'no-store',
};
