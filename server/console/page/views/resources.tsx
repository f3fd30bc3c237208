import { useState } from 'preact/hooks';
import type { ResourceView } from '../../../admin/contract';
import type { Page } from '../model';
import { Confirm } from '../ui/dialog';
import { Heading } from '../ui/heading';
import { Badge, Show } from '../ui/notice';
import { useData, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';
import { ResourceForm } from './resource-form';

type Open = { readonly kind: 'create' } | { readonly kind: 'edit' | 'delete'; readonly resource: ResourceView } | null;

/** Resource servers that this server issues tokens for, and their scopes. */
export function Resources() {
  const { api, say } = useShell();
  const [open, setOpen] = useState<Open>(null);
  const list = useData('resources', (from) => from.get<Page<ResourceView>>('resources'));
  const close = (): void => setOpen(null);
  const saved = (said: string): void => {
    close();
    list.reload();
    say(said);
  };
  const remove = async ({ id }: ResourceView): Promise<void> => {
    await api.send('DELETE', `resources/${id}`);
    list.reload();
    say('The resource is deleted.');
  };
  const create = (
    <button type="button" class="primary" onClick={() => setOpen({ kind: 'create' })}>
      New resource
    </button>
  );
  return (
    <>
      <Heading title="Resources" actions={create}>
        <p class="quiet">APIs that trust this server’s tokens, each with the scopes it knows.</p>
      </Heading>
      <Show of={list}>
        {({ items }) => (
          <ResourceTable
            items={items}
            edit={(resource) => setOpen({ kind: 'edit', resource })}
            remove={(resource) => setOpen({ kind: 'delete', resource })}
          />
        )}
      </Show>
      {open?.kind === 'create' && <ResourceForm resource={null} close={close} saved={saved} />}
      {open?.kind === 'edit' && <ResourceForm resource={open.resource} close={close} saved={saved} />}
      {open?.kind === 'delete' && (
        <Confirm title="Delete this resource?" verb="Delete resource" close={close} act={() => remove(open.resource)}>
          <p>
            No more tokens are issued for <code>{open.resource.identifier}</code>, and every client loses the scopes it
            had there. This can not be undone.
          </p>
        </Confirm>
      )}
    </>
  );
}

interface ResourceTableProps {
  readonly items: readonly ResourceView[];
  readonly edit: (resource: ResourceView) => void;
  readonly remove: (resource: ResourceView) => void;
}

function ResourceTable({ items, edit, remove }: ResourceTableProps) {
  const columns: Column<ResourceView>[] = [
    {
      head: 'Resource',
      cell: ({ name, identifier, built_in }) => (
        <span class="stacked">
          <span class="inline">
            {name} {built_in && <Badge tone="plain">Built in</Badge>}
          </span>
          <code>{identifier}</code>
        </span>
      ),
    },
    { head: 'Scopes', cell: ({ scopes }) => <Chips words={scopes} /> },
    { head: 'May introspect', cell: (resource) => <Chips words={resource.introspection_clients} /> },
    {
      head: 'Actions',
      kind: 'action',
      cell: (resource) => (
        <span class="buttons">
          <button type="button" onClick={() => edit(resource)}>
            Edit<span class="hidden"> {resource.name}</span>
          </button>
          {!resource.built_in && (
            <button type="button" onClick={() => remove(resource)}>
              Delete<span class="hidden"> {resource.name}</span>
            </button>
          )}
        </span>
      ),
    },
  ];
  return <Table caption="Resources" columns={columns} rows={items} keyOf={({ id }) => id} />;
}

function Chips({ words }: { words: readonly string[] }) {
  if (words.length === 0) return <span class="quiet">No other client</span>;
  return (
    <span class="chips">
      {words.map((word) => (
        <span key={word} class="chip">
          {word}
        </span>
      ))}
    </span>
  );
}
