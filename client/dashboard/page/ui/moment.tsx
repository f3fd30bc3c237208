import { useHeard, useSecond, useShell } from '../shell';

/** Tells times of the client as durations from now, by the client's clock. */
export interface Moments {
  /** Seconds until then; negative: it has been. */
  until(time: string): number;
  /** `in 5m`, `5m ago`, `now`. */
  tell(time: string | null): string;
}

/** The moments of this second. */
export function useMoments(): Moments {
  const { words, format } = useShell();
  const { clientStartMs } = useHeard();
  const elapsedMs = useSecond();
  const until = (time: string): number => Math.round((Date.parse(time) - clientStartMs - elapsedMs) / 1_000);
  return {
    until,
    tell: (time) => {
      if (time === null) return words.none;
      const seconds = until(time);
      if (seconds === 0) return words.status.now;
      const duration = format.duration(Math.abs(seconds));
      return seconds > 0 ? words.status.in(duration) : words.status.ago(duration);
    },
  };
}
