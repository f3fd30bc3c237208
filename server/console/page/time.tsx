const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** How long, in the one unit that says most: `3 h`. */
export function duration(ms: number): string {
  const span = Math.abs(ms);
  if (span < MINUTE_MS) return `${Math.max(1, Math.round(span / 1000))} s`;
  if (span < HOUR_MS) return `${Math.round(span / MINUTE_MS)} min`;
  if (span < 2 * DAY_MS) return `${Math.round(span / HOUR_MS)} h`;
  return `${Math.round(span / DAY_MS)} days`;
}

/** A moment against now: `3 h ago`, `in 2 days`. */
export function relative(at: string, nowMs: number): string {
  const ms = Date.parse(at) - nowMs;
  if (Math.abs(ms) < 5_000) return 'just now';
  return ms < 0 ? `${duration(ms)} ago` : `in ${duration(ms)}`;
}

/** A moment in local time, with UTC for who hovers over it. `seconds` also shows those. */
export function Time({ at, seconds = false, none = 'Never' }: { at: string | null; seconds?: boolean; none?: string }) {
  if (at === null) return <span class="quiet">{none}</span>;
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return <span>{at}</span>;
  return (
    <time dateTime={at} title={moment.toISOString()}>
      {(seconds ? exact : local).format(moment)}
    </time>
  );
}
