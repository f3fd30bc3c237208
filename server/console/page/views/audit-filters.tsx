import { useState } from 'preact/hooks';
import { SelectField, TextField } from '../ui/form';

/** What the address says of the filters; empty: any. Times are local, as the fields hold them. */
export type Filters = Readonly<Record<'client' | 'event' | 'outcome' | 'request_id' | 'from' | 'to', string>>;

const EVENTS = [
  ...['client_authentication', 'oauth_request', 'resource_access', 'client_registered', 'client_updated'],
  ...['client_disabled', 'client_enabled', 'client_deleted', 'client_tokens_revoked', 'secret_created'],
  ...['secret_revoked', 'secret_expiring', 'token_revoked', 'key_created', 'key_activated', 'key_retired'],
  ...['key_removed', 'key_revoked', 'resource_created', 'resource_updated', 'resource_deleted'],
  ...['registration_token_created', 'registration_token_revoked', 'admin_sign_in', 'admin_sign_out', 'admin_access'],
  ...['registration', 'limit_exceeded', 'currency_added', 'currency_retired', 'audit_exported'],
];

/** The filters in the query of an address. */
export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  const { client = '', event = '', outcome = '', request_id = '', from = '', to = '' } = query;
  return { client, event, outcome, request_id, from, to };
}

/** Filters → parameters of the admin API, which takes UTC. */
export function toQuery(filters: Filters): Readonly<Record<string, string>> {
  return { ...filters, from: toUtc(filters.from), to: toUtc(filters.to) };
}

function toUtc(local: string): string {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? '' : moment.toISOString();
}

/** What the filters are given. */
export interface AuditFiltersProps {
  readonly filters: Filters;
  readonly show: (filters: Filters) => void;
}

/** The filters of the trail. */
export function AuditFilters({ filters, show }: AuditFiltersProps) {
  const [draft, setDraft] = useState(filters);
  const bind = (name: keyof Filters) => ({
    value: draft[name],
    set: (value: string) => setDraft((before) => ({ ...before, [name]: value.trim() })),
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    show(draft);
  };
  return (
    <search>
      <form class="filters" aria-label="Filters" onSubmit={submit}>
        <TextField label="Client id" {...bind('client')} />
        <TextField label="Event" list={EVENTS} {...bind('event')} />
        <SelectField
          label="Outcome"
          options={[
            ['', 'Any'],
            ['success', 'Success'],
            ['failure', 'Failure'],
          ]}
          {...bind('outcome')}
        />
        <TextField label="Request id" {...bind('request_id')} />
        <TextField label="From" type="datetime-local" {...bind('from')} />
        <TextField label="To" type="datetime-local" {...bind('to')} />
        <div class="buttons">
          <button type="submit" class="primary">
            Show
          </button>
          <button type="button" onClick={() => show(filtersOf({}))}>
            Clear
          </button>
        </div>
      </form>
    </search>
  );
}
