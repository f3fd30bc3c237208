/** How the way from the market to the page is, as one word with its numbers: true at the moment it is asked for. */
import type { Heard } from './link';
import type { StreamView } from './model';

/** The words there are: those of the client, and two of the page's own. */
export type ConnectionKind = StreamView['state'] | 'connecting' | 'lost';

/** The connection at a moment. */
export interface Connection {
  readonly kind: ConnectionKind;
  /** Seconds until the next attempt; null: none is planned, or it is being made. */
  readonly nextInSeconds: number | null;
  /** Age of the rates; null: there are none. */
  readonly ageSeconds: number | null;
  /** What went wrong last, in the client's words. */
  readonly error: string | null;
}

/** @param elapsedMs is this moment, by the clock of the page that never steps. */
export function describeConnection(heard: Heard, elapsedMs: number): Connection {
  const { link, status } = heard;
  const ageSeconds = dataAgeSeconds(heard, elapsedMs);
  if (link.kind === 'lost') {
    return { kind: 'lost', nextInSeconds: seconds(link.nextAttemptMs - elapsedMs), ageSeconds, error: null };
  }
  if (status === null) return { kind: 'connecting', nextInSeconds: null, ageSeconds, error: null };
  const { state, next_attempt_at, last_error } = status.stream;
  const next = next_attempt_at === null ? null : seconds(Date.parse(next_attempt_at) - heard.clientStartMs - elapsedMs);
  return {
    kind: state,
    nextInSeconds: state === 'live' ? null : next,
    ageSeconds,
    error: state === 'live' ? null : last_error,
  };
}

/** Age of the rates in whole seconds, which grows while nothing is heard. */
export function dataAgeSeconds({ dataAgeMs, dataMs }: Heard, elapsedMs: number): number | null {
  return dataAgeMs === null ? null : Math.max(0, Math.floor((dataAgeMs + elapsedMs - dataMs) / 1_000));
}

function seconds(ms: number): number | null {
  return ms <= 0 ? null : Math.ceil(ms / 1_000);
}
