import { useEffect, useState } from 'preact/hooks';
import { useShell } from './ui/shell';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const DAY = { year: 'numeric', month: 'short', day: 'numeric' } as const;
const CLOCK = { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const;
const local = new Intl.DateTimeFormat(undefined, { ...DAY, ...CLOCK });
const exact = new Intl.DateTimeFormat(undefined, { ...DAY, ...CLOCK, second: '2-digit' });

/** How long, in the one unit that says most: `3 h`. */
export function duration(ms: number): string {
  const span = Math.abs(ms);
  if (span < MINUTE_MS) return `${Math.max(1, Math.round(span / SECOND_MS))} s`;
  if (span < HOUR_MS) return `${Math.round(span / MINUTE_MS)} min`;
  if (span < 2 * DAY_MS) return `${Math.round(span / HOUR_MS)} h`;
  return `${Math.round(span / DAY_MS)} days`;
}

/** A moment against now: `3 h ago`, `in 2 days`. */
export function relative(at: string, nowMs: number): string {
  const ms = Date.parse(at) - nowMs;
  if (Math.abs(ms) < 5 * SECOND_MS) return 'just now';
  return ms < 0 ? `${duration(ms)} ago` : `in ${duration(ms)}`;
}

/** A moment against another one: `3 h before`. */
export function against(at: string, other: string): string {
  const ms = Date.parse(at) - Date.parse(other);
  return `${duration(ms)} ${ms < 0 ? 'before' : 'after'}`;
}

/** A moment in local time with its zone, for a sentence. */
export function momentText(at: string): string {
  return local.format(new Date(at));
}

/** True for a time as the admin API writes it (RFC 3339, UTC). */
export function isMoment(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(value);
}

/** What a moment is shown with. */
export interface TimeProps {
  /** RFC 3339; null: `none`. */
  readonly at: string | null;
  /** Also shows the seconds. */
  readonly seconds?: boolean;
  readonly none?: string;
}

/** A moment in local time with its zone, and in UTC for who hovers over it. */
export function Time({ at, seconds = false, none = 'Never' }: TimeProps) {
  if (at === null) return <span class="quiet">{none}</span>;
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return <span>{at}</span>;
  return (
    <time dateTime={at} title={moment.toISOString()}>
      {(seconds ? exact : local).format(moment)}
    </time>
  );
}

/** The same, with how long ago or ahead that is below. */
export function TimeAgo(props: TimeProps) {
  const nowMs = useNow();
  if (props.at === null) return <Time {...props} />;
  return (
    <span class="stacked">
      <Time {...props} />
      <small>{relative(props.at, nowMs)}</small>
    </span>
  );
}

const LOOK_MS = 10 * SECOND_MS; // a minute shown is right to within a sixth

/** The time, looked at anew now and then. */
export function useNow(): number {
  const { now } = useShell();
  const [nowMs, setNowMs] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(now()), LOOK_MS);
    return () => clearInterval(timer);
  }, [now]);
  return nowMs;
}
