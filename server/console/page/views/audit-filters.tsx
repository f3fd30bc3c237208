import { useEffect, useState } from 'preact/hooks';
import { SelectField, TextField } from '../ui/form';
import { useShell } from '../ui/shell';
import { eventName } from './audit-words';
import { EVENTS } from './event-names';

/** What the address says of the filters, as the admin API takes it: times are UTC. Empty: any. */
export type Filters = Readonly<Record<'client' | 'event' | 'outcome' | 'request_id' | 'from' | 'to', string>>;

const OUTCOMES = { '': 'Any', success: 'Success', failure: 'Failure' };

const HOUR_MS = 3_600_000;

/** Times that are asked for most: words and how far back. */
const RANGES = [
  ['Last hour', HOUR_MS],
  ['Last 24 hours', 24 * HOUR_MS],
  ['Last 7 days', 7 * 24 * HOUR_MS],
] as const;

/** The filters in the query of an address. */
export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  const { client = '', event = '', outcome = '', request_id = '', from = '', to = '' } = query;
  return { client, event, outcome, request_id, from, to };
}

/** What the filters are given. */
export interface AuditFiltersProps {
  readonly filters: Filters;
  readonly show: (filters: Filters) => void;
}

/** The filters of the trail. */
export function AuditFilters({ filters, show }: AuditFiltersProps) {
  const { now } = useShell();
  const [draft, setDraft] = useState(filters);
  const shown = JSON.stringify(filters);
  // Whoever goes back, or follows a link to other filters, finds them in the fields.
  useEffect(() => setDraft(JSON.parse(shown) as Filters), [shown]);
  const put = (name: keyof Filters) => (value: string) => setDraft((before) => ({ ...before, [name]: value.trim() }));
  const submit = (event: Event): void => {
    event.preventDefault();
    show(draft);
  };
  const since = (ms: number): void => show({ ...draft, from: new Date(now() - ms).toISOString(), to: '' });
  // A link may name an event that this page does not know.
  const events = { '': 'Any', ...EVENTS, ...(draft.event === '' ? {} : { [draft.event]: eventName(draft.event) }) };
  return (
    <search>
      <form class="filters" aria-label="Filters" onSubmit={submit}>
        <TextField label="Client id" value={draft.client} set={put('client')} />
        <SelectField label="Event" options={Object.entries(events)} value={draft.event} set={put('event')} />
        <SelectField label="Outcome" options={Object.entries(OUTCOMES)} value={draft.outcome} set={put('outcome')} />
        <TextField label="Request id" value={draft.request_id} set={put('request_id')} />
        <MomentField label="From" utc={draft.from} set={put('from')} />
        <MomentField label="To" utc={draft.to} set={put('to')} />
        <div class="buttons">
          <button type="submit" class="primary">
            Show
          </button>
          <button type="button" onClick={() => show(filtersOf({}))}>
            Clear
          </button>
          {RANGES.map(([words, ms]) => (
            <button key={words} type="button" class="plain" onClick={() => since(ms)}>
              {words}
            </button>
          ))}
        </div>
      </form>
    </search>
  );
}

/** A moment in the local time of the browser, whose zone stands beside the label. */
function MomentField({ label, utc, set }: { label: string; utc: string; set: (utc: string) => void }) {
  const moment = new Date(utc);
  const known = !Number.isNaN(moment.getTime());
  return (
    <TextField
      type="datetime-local"
      label={`${label} (${zoneOf(known ? moment : new Date(0))})`}
      value={known ? localOf(moment) : ''}
      set={(text) => set(text === '' ? '' : new Date(text).toISOString())}
    />
  );
}

/** `2026-01-01T12:00`, as the field takes it. */
function localOf(moment: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join('-');
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

function zoneOf(moment: Date): string {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(moment);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'local time';
}
