import { type FeedState, STALE_MS_MAX } from '../rates/feed';
import type { Connection } from './view';

/** What the state of the feed is in words. */
export function connectionOf({ last, ageMs, outage }: FeedState, nowMs: number): Connection {
  const known = { ageMs: last === null ? null : ageMs, trouble: outage?.reason ?? '' };
  if (outage === null) return { ...known, ...(last === null ? WAITING : LIVE) };
  if (outage.kind === 'refused') return { ...known, tone: 'bad', text: 'Refused' };
  const seconds = Math.max(0, Math.ceil((outage.nextAttemptAtMs - nowMs) / 1000));
  const again = `${seconds} s`;
  if (last === null || ageMs > STALE_MS_MAX)
    return { ...known, tone: 'bad', text: `Offline, next attempt in ${again}` };
  return { ...known, tone: 'wait', text: `Reconnecting in ${again}` };
}

const LIVE = { tone: 'good', text: 'Live' } as const;
const WAITING = { tone: 'wait', text: 'Connecting' } as const;
