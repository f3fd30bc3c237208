import type { Log } from '../../kit/logs';
import type { AuditRecord, Chain, ChainEnds, Head } from './chain';
import type { AuditStore } from './store';
import { createFollower } from './verify';

/** Events that are pruned in one transaction, while no other can be written. */
const BATCH_EVENTS = 1_000;

/** No more is begun after so long, in milliseconds: chores come one after another, and a stop waits for them. */
const RUN_MS_MAX = 1_000;

/** What pruning stands on. */
export interface PruningOptions {
  readonly store: Pick<AuditStore, 'after' | 'prune'>;
  readonly chain: () => Chain;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly log: Log;
}

/**
 * Deletes the oldest events, those before this moment, and moves the pruned end with them, for about a second; what is left then
 * is for the next run. What does not hold is left as it is: whoever made an event look old must not have it removed for him.
 */
export type PruneTrail = (before: Date) => Promise<void>;

/** Pruning of one trail. */
export function createPruneTrail({ store, chain, elapsed, log }: PruningOptions): PruneTrail {
  let told = false;
  const endOf = (ends: ChainEnds, oldest: readonly AuditRecord[], before: Date): Head | null => {
    const end = oldEnd(chain(), ends, oldest, before);
    // One line when it begins, not one a minute.
    if (end === 'fault' && !told) log.error('the audit trail does not hold and is not pruned; see audit --verify');
    told = end === 'fault';
    return end === 'fault' ? null : end;
  };
  return async (before) => {
    // Nearly always there is nothing to do, which is seen without keeping anybody from writing.
    const [first] = await store.after(0, Number.MAX_SAFE_INTEGER, 1);
    if (first === undefined || first.at >= before) return;
    const decide = (ends: ChainEnds, oldest: readonly AuditRecord[]): ChainEnds | null => {
      const end = endOf(ends, oldest, before);
      return end === null ? null : chain().seal({ ...ends, prunedSeq: end.seq, prunedHash: end.hash });
    };
    const endsMs = elapsed() + RUN_MS_MAX;
    while ((await store.prune(decide, BATCH_EVENTS)) && elapsed() < endsMs);
  };
}

/** The last of the events from the begin that are old one after another; null: none. */
function oldEnd(chain: Chain, ends: ChainEnds, oldest: readonly AuditRecord[], before: Date): Head | 'fault' | null {
  if (!chain.isSealed(ends)) return 'fault';
  const follower = createFollower(chain, ends);
  let end: Head | null = null;
  for (const event of oldest) {
    if (event.at >= before) break;
    if (follower.follow(event) !== null) return 'fault';
    end = { seq: event.seq, hash: event.hash };
  }
  return end;
}
