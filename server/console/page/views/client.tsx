import type { ClientView } from '../../../admin/contract';
import { clientHref, placeHref, TABS, type Tab } from '../route';
import { CopyButton } from '../ui/copy';
import { Heading } from '../ui/heading';
import { Badge, Show } from '../ui/notice';
import { useData } from '../ui/shell';
import { Access } from './client-access';
import { Danger } from './client-danger';
import { Overview } from './client-overview';
import { Secrets } from './client-secrets';
import { type ClientTabProps, clientPath } from './client-tab';
import { QuickStart } from './quick-start';

const TAB_NAMES: Readonly<Record<Tab, string>> = {
  overview: 'Overview',
  secrets: 'Secrets',
  access: 'Access',
  'quick-start': 'Quick start',
  danger: 'Danger',
};

/** One client. The tabs are places of their own, so that they can be linked to and gone back to. */
export function ClientPage({ clientId, tab }: { clientId: string; tab: Tab }) {
  const loaded = useData(clientId, (api) => api.get<ClientView>(clientPath(clientId)));
  const client = loaded.data;
  if (client === null && loaded.error?.status === 404) return <NoClient clientId={clientId} />;
  return (
    <>
      <a class="back" href="#/clients">
        All clients
      </a>
      <Heading title={`${client?.app_name ?? clientId} · ${TAB_NAMES[tab]}`}>
        <p class="inline">
          <code>{clientId}</code>
          <CopyButton text={() => clientId} what="the client id" />
          {client !== null && (
            <Badge tone={client.is_active ? 'good' : 'bad'}>{client.is_active ? 'Active' : 'Disabled'}</Badge>
          )}
        </p>
      </Heading>
      <nav class="tabs" aria-label="Parts of this client">
        {TABS.map((one) => (
          <a key={one} href={clientHref(clientId, one)} aria-current={one === tab ? 'page' : undefined}>
            {TAB_NAMES[one]}
          </a>
        ))}
      </nav>
      <Show of={loaded}>
        {(data) => <TabContent tab={tab} client={data} put={loaded.put} reload={loaded.reload} />}
      </Show>
    </>
  );
}

function NoClient({ clientId }: { clientId: string }) {
  return (
    <>
      <a class="back" href="#/clients">
        All clients
      </a>
      <Heading title={clientId}>
        <p>There is no such client, or it was deleted.</p>
      </Heading>
      <p>
        <a href={placeHref('audit', { client: clientId })}>What happened to it</a>
      </p>
    </>
  );
}

function TabContent({ tab, ...rest }: ClientTabProps & { readonly tab: Tab }) {
  switch (tab) {
    case 'overview':
      return <Overview {...rest} />;
    case 'secrets':
      return <Secrets {...rest} />;
    case 'access':
      return <Access {...rest} />;
    case 'quick-start':
      return <QuickStart client={rest.client} />;
    case 'danger':
      return <Danger {...rest} />;
  }
}
