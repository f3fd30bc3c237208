import { type Changes, watchChanges } from '../../db/changes';
import type { Database } from '../../db/connect';
import type { Log } from '../../kit/logs';

/** What the feed of changes stands on. */
export interface NewsOptions {
  readonly database: Database;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly newId: () => string;
  readonly log: Log;
}

/** Begins to hear what others change, and says in the log when that is not so. Rejects when the database is away. */
export function openChanges({ database, elapsed, newId, log }: NewsOptions): Promise<Changes> {
  return watchChanges({
    database,
    now: elapsed,
    nonce: newId(),
    failed: (error) =>
      log.error('changes cannot be taken in: what is in memory may be old, and soon no tokens are issued', { error }),
    recovered: () => log.info('changes are taken in again: everything was read anew'),
  });
}
