import { useEffect, useRef, useState } from 'preact/hooks';
import type { ClientPage, ClientView } from '../../../admin/contract';
import { clientHref, placeHref } from '../route';
import { relative } from '../time';
import { SelectField, TextField } from '../ui/form';
import { Heading } from '../ui/heading';
import { Badge, Empty, Notice, Show } from '../ui/notice';
import { useData, useRested, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';
import { AUTH_METHODS, secretSummary } from './words';

const PAGE_SIZE = 25;
const REST_MS = 250; // between two keys of somebody who is still typing

/** What may be listed. */
const STATES = {
  '': 'All clients',
  disabled: 'Disabled',
  secret_ending: 'Secret ends within 7 days',
};

type Shown = Readonly<Record<'search' | 'state' | 'cursor', string>>;

/** All clients, with a search that the server does. The address holds what is shown. */
export function Clients({ query }: { query: Readonly<Record<string, string>> }) {
  const { search = '', state = '', cursor = '' } = query;
  const shown: Shown = { search, state, cursor };
  const [typed, setTyped] = useTyped(shown);
  const list = useData(JSON.stringify(shown), (api) => api.get<ClientPage>('clients', { ...shown, limit: PAGE_SIZE }));
  const create = (
    <a class="button primary" href="#/new-client">
      New client
    </a>
  );
  return (
    <>
      <Heading title="Clients" page={cursor} actions={create}>
        <p class="quiet">Machines that may ask this server for tokens.</p>
      </Heading>
      {state !== 'secret_ending' && <Ending />}
      <search class="pair">
        <TextField type="search" label="Search by name or id" value={typed} set={setTyped} />
        <SelectField
          label="Show"
          options={Object.entries(STATES)}
          value={state}
          set={(wanted) => {
            location.hash = placeHref('clients', { search, state: wanted });
          }}
        />
      </search>
      <Show of={list}>
        {({ items, next_cursor }) => (
          <>
            <p class="hidden" role="status">
              {items.length === 1 ? '1 client shown' : `${items.length} clients shown`}
            </p>
            {items.length === 0 ? <NoClients shown={shown} /> : <ClientTable items={items} />}
            <Pages shown={shown} next={next_cursor} />
          </>
        )}
      </Show>
    </>
  );
}

/** What is typed into the search; the address follows when that has rested, and leads when somebody goes elsewhere. */
function useTyped({ search, state }: Shown): [string, (typed: string) => void] {
  const [typed, setTyped] = useState(search);
  const rested = useRested(typed, REST_MS);
  const sent = useRef(search);
  useEffect(() => {
    if (rested === sent.current) return;
    sent.current = rested;
    location.replace(placeHref('clients', { search: rested, state }));
  }, [rested, state]);
  useEffect(() => {
    if (search === sent.current) return; // what was typed here comes back; more may have been typed since
    sent.current = search;
    setTyped(search);
  }, [search]);
  return [typed, setTyped];
}

const COUNTED_MAX = 100; // more is said as so many or more

/** A line on how many clients will soon need another secret, if any does. */
function Ending() {
  const { data } = useData('ending', (api) =>
    api.get<ClientPage>('clients', { state: 'secret_ending', limit: COUNTED_MAX }),
  );
  const count = data?.items.length ?? 0;
  if (count === 0) return null;
  const words = count === 1 ? '1 client has' : `${count}${data?.next_cursor ? ' or more' : ''} clients have`;
  return (
    <Notice tone="wait">
      <p>
        {words} a secret that ends within 7 days.{' '}
        <a href={placeHref('clients', { state: 'secret_ending' })}>Show {count === 1 ? 'it' : 'them'}</a>
      </p>
    </Notice>
  );
}

function NoClients({ shown: { search, state } }: { shown: Shown }) {
  if (search !== '' || state !== '') {
    return (
      <Empty>
        <p>{search === '' ? 'There is no such client.' : `No client has “${search}” in its name or id.`}</p>
        <a href="#/clients">Show all clients</a>
      </Empty>
    );
  }
  return (
    <Empty>
      <p>There are no clients yet. Create the first one; its secret is shown once.</p>
      <a class="button primary" href="#/new-client">
        New client
      </a>
    </Empty>
  );
}

function ClientTable({ items }: { items: readonly ClientView[] }) {
  const { now } = useShell();
  const columns: Column<ClientView>[] = [
    {
      head: 'Client',
      cell: ({ client_id, app_name }) => (
        <a class="stacked" href={clientHref(client_id)}>
          {app_name}
          <code>{client_id}</code>
        </a>
      ),
    },
    {
      head: 'State',
      cell: ({ is_active }) => <Badge tone={is_active ? 'good' : 'bad'}>{is_active ? 'Active' : 'Disabled'}</Badge>,
    },
    { head: 'Authentication', cell: ({ auth_method }) => AUTH_METHODS[auth_method] },
    { head: 'Secret', cell: (client) => <SecretCell client={client} /> },
    { head: 'Last used', cell: ({ last_used_at }) => <Ago at={last_used_at} nowMs={now()} /> },
    { head: 'Tokens', kind: 'number', cell: ({ tokens_issued }) => tokens_issued.toLocaleString() },
  ];
  return <Table caption="Clients" columns={columns} rows={items} keyOf={({ client_id }) => client_id} />;
}

function SecretCell({ client }: { client: ClientView }) {
  const { now } = useShell();
  const { text, warning } = secretSummary(client, now());
  return (
    <span class="stacked">
      {text}
      {warning !== null && <Badge tone="wait">{warning}</Badge>}
    </span>
  );
}

function Ago({ at, nowMs }: { at: string | null; nowMs: number }) {
  if (at === null) return <span class="quiet">Never</span>;
  return (
    <time dateTime={at} title={at}>
      {relative(at, nowMs)}
    </time>
  );
}

function Pages({ shown, next }: { shown: Shown; next: string | null }) {
  if (shown.cursor === '' && next === null) return null;
  return (
    <nav class="pages" aria-label="Pages of clients">
      {shown.cursor !== '' && <a href={placeHref('clients', { ...shown, cursor: '' })}>First page</a>}
      {next !== null && <a href={placeHref('clients', { ...shown, cursor: next })}>Next page</a>}
    </nav>
  );
}
