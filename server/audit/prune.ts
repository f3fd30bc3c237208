import type { Log } from '../../kit/logs';
import type { AuditRecord, Chain, ChainEnds, Head } from './chain';
import type { AuditStore } from './store';
import { createFollower } from './verify';

/** Events that are pruned in one transaction, while no other can be written. */
const BATCH_EVENTS = 1_000;

/** What pruning needs. */
export interface Pruning {
  readonly store: AuditStore;
  readonly chain: Chain;
  /** Events before this are beyond the retention. */
  readonly before: Date;
  readonly log: Log;
}

/**
 * Deletes the oldest events, and moves the pruned end with them. What does not hold is left as it is: whoever made an event
 * look old must not have it removed for him.
 */
export async function pruneTrail({ store, chain, before, log }: Pruning): Promise<void> {
  const decide = (ends: ChainEnds, oldest: readonly AuditRecord[]): ChainEnds | null => {
    const end = oldEnd(chain, ends, oldest, before);
    if (end === 'fault') log.error('the audit trail does not hold and is not pruned; see audit --verify');
    return end === 'fault' || end === null ? null : chain.seal({ ...ends, prunedSeq: end.seq, prunedHash: end.hash });
  };
  while (await store.prune(decide, BATCH_EVENTS));
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
