import type { Changes } from '../../db/changes';
import type { DependencyState } from '../../kit/http/health';
import { Problem } from '../../kit/http/problem';

/** Without news of changes for this long the database is away: a client may be disabled, a token revoked, that is not known here. */
const SILENT_MAX_MS = 5_000;

/** What a caller is told to wait meanwhile, in seconds. */
const RETRY_AFTER_SECONDS = 2;

/** Whether the database is heard of. */
export interface Reachability {
  /** `stale`: it is there, and what it tells cannot be taken in. */
  state(): DependencyState;
  /** @throws Problem 503 while news of changes may be missing: nothing is said that would rest on there being none. */
  requireNews(): void;
  /** Goes by this feed from now on; before, there is no database. */
  follow(changes: Pick<Changes, 'silentMs' | 'failing'>): void;
}

/** Goes by the feed of changes, which proves again and again that it is alive. */
export function createReachability(): Reachability {
  let feed: Pick<Changes, 'silentMs' | 'failing'> = { silentMs: () => Number.POSITIVE_INFINITY, failing: () => false };
  const isSilent = (): boolean => feed.silentMs() > SILENT_MAX_MS;
  return {
    state: () => {
      if (!isSilent()) return 'ok';
      return feed.failing() ? 'stale' : 'away';
    },
    requireNews: () => {
      if (isSilent()) throw unavailable('The latest changes may be unknown here; try again.');
    },
    follow: (changes) => {
      feed = changes;
    },
  };
}

/** The answer while nothing can be looked up. */
export function databaseAway(): Problem {
  return unavailable('The database cannot serve this now; try again.');
}

function unavailable(detail: string): Problem {
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}
