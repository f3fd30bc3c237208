import type { StreamStatus } from '../stream/model';
import type { Connection } from './view';

/** What the state of the stream is in words. */
export function connectionOf(stream: StreamStatus, nowMs: number): Connection {
  const { state, data_age_seconds: age, last_error, next_attempt_at: next } = stream;
  const known = { ageMs: age === null ? null : age * 1000, trouble: last_error ?? '' };
  const seconds = next === null ? null : Math.max(0, Math.ceil((Date.parse(next) - nowMs) / 1000));
  return { ...known, tone: TONES[state], text: textOf(state, seconds) };
}

const TONES = {
  starting: 'wait',
  live: 'good',
  reconnecting: 'wait',
  stale: 'bad',
  offline: 'bad',
  refused: 'bad',
} as const satisfies Record<StreamStatus['state'], Connection['tone']>;

function textOf(state: StreamStatus['state'], seconds: number | null): string {
  switch (state) {
    case 'starting':
      return 'Connecting';
    case 'live':
      return 'Live';
    case 'refused':
      return 'Refused';
    case 'reconnecting':
      return seconds === null ? 'Reconnecting' : `Reconnecting in ${seconds} s`;
    case 'stale':
      return seconds === null ? 'Stale' : `Stale, next attempt in ${seconds} s`;
    case 'offline':
      return seconds === null ? 'Offline' : `Offline, next attempt in ${seconds} s`;
  }
}
