import { useEffect, useRef, useState } from 'preact/hooks';
import type { ClientView } from '../../../admin/contract';
import type { Page } from '../model';
import { clientHref, placeHref } from '../route';
import { relative } from '../time';
import { Heading } from '../ui/heading';
import { Badge, Empty, Show } from '../ui/notice';
import { useData, useRested, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';
import { AUTH_METHODS, secretSummary } from './words';

const PAGE_SIZE = 25;
const REST_MS = 250; // between two keys of somebody who is still typing

/** All clients, with a search that the server does. The address holds what is shown. */
export function Clients({ query }: { query: Readonly<Record<string, string>> }) {
  const { search = '', cursor = '' } = query;
  const [typed, setTyped] = useState(search);
  const rested = useRested(typed, REST_MS);
  const sent = useRef(search);
  useEffect(() => {
    if (rested === sent.current) return;
    sent.current = rested;
    location.replace(placeHref('clients', { search: rested }));
  }, [rested]);
  useEffect(() => {
    if (search === sent.current) return; // what was typed here comes back; more may have been typed since
    sent.current = search;
    setTyped(search);
  }, [search]);
  const list = useData(`${search} ${cursor}`, (api) =>
    api.get<Page<ClientView>>('clients', { search, cursor, limit: PAGE_SIZE }),
  );
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
      <search>
        <div class="field">
          <label for="client-search">Search by name or id</label>
          <input
            id="client-search"
            type="search"
            value={typed}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
      </search>
      <Show of={list}>
        {({ items, next_cursor = null }) => (
          <>
            <p class="hidden" role="status">
              {items.length === 1 ? '1 client shown' : `${items.length} clients shown`}
            </p>
            {items.length === 0 ? <NoClients search={search} /> : <ClientTable items={items} />}
            <Pages search={search} cursor={cursor} next={next_cursor} />
          </>
        )}
      </Show>
    </>
  );
}

function NoClients({ search }: { search: string }) {
  if (search !== '') {
    return (
      <Empty>
        <p>No client has “{search}” in its name or id.</p>
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

function Pages({ search, cursor, next }: { search: string; cursor: string; next: string | null }) {
  if (cursor === '' && next === null) return null;
  return (
    <nav class="pages" aria-label="Pages of clients">
      {cursor !== '' && <a href={placeHref('clients', { search })}>First page</a>}
      {next !== null && <a href={placeHref('clients', { search, cursor: next })}>Next page</a>}
    </nav>
  );
}
