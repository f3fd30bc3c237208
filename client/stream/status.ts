import { iso } from '../credentials/view';
import { type FeedState, STALE_MS_MAX } from '../rates/feed';
import type { FollowerState } from './follower';
import type { StreamStatus } from './model';

/** Rates that nobody has confirmed for longer are old, in milliseconds: the server sends a sign of life every ten seconds. */
export const FRESH_MS = 30_000;

/** What is true of the connection to the rates, by both who follows the stream and who holds the rates. */
export function streamStatus(follower: FollowerState, feed: FeedState): StreamStatus {
  const { last, ageMs, outage } = feed;
  const state = stateOf(follower, feed);
  const isPolling = state === 'live' && follower.phase !== 'live';
  return {
    state,
    transport: isPolling ? 'polling' : follower.transport,
    seq: last?.seq ?? null,
    since: iso(follower.sinceMs === 0 ? null : follower.sinceMs),
    next_attempt_at: state === 'live' ? null : iso(earlier(follower.nextAttemptAtMs, outage?.nextAttemptAtMs ?? null)),
    last_error: state === 'live' ? null : (outage?.reason ?? follower.lastError),
    data_age_seconds: last === null ? null : Math.floor(ageMs / 1000),
  };
}

function stateOf(follower: FollowerState, { last, ageMs, outage }: FeedState): StreamStatus['state'] {
  if (outage?.kind === 'refused') return 'refused';
  if (last === null) return outage === null ? 'starting' : 'offline';
  if (ageMs > STALE_MS_MAX) return 'offline';
  if (ageMs > FRESH_MS && outage !== null) return 'stale';
  if (outage !== null || follower.phase === 'lost' || follower.phase === 'connecting') return 'reconnecting';
  return 'live';
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
