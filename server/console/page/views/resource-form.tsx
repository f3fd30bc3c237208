import { useState } from 'preact/hooks';
import type { ResourceView } from '../../../admin/contract';
import { FormDialog } from '../ui/dialog';
import { AreaField, TextField } from '../ui/form';
import { useShell } from '../ui/shell';

/** What the form is given. */
export interface ResourceFormProps {
  /** Null: a new one. */
  readonly resource: ResourceView | null;
  readonly close: () => void;
  readonly saved: (said: string) => void;
}

/** Makes or changes a resource. Of a built-in one only who may introspect can change. */
export function ResourceForm({ resource, close, saved }: ResourceFormProps) {
  const { api } = useShell();
  const [identifier, setIdentifier] = useState(resource?.identifier ?? '');
  const [name, setName] = useState(resource?.name ?? '');
  const [scopes, setScopes] = useState(resource?.scopes.join('\n') ?? '');
  const [clients, setClients] = useState(resource?.introspection_clients.join('\n') ?? '');
  const fixed = resource?.built_in ?? false;
  const act = async (): Promise<void> => {
    const given = { name, scopes: wordsOf(scopes), introspection_clients: wordsOf(clients) };
    if (resource === null) await api.send('POST', 'resources', { identifier, ...given });
    else await api.send('PATCH', `resources/${resource.id}`, differences(resource, given));
    saved(resource === null ? `The resource ${name} is created.` : `The resource ${name} is saved.`);
  };
  return (
    <FormDialog
      title={resource === null ? 'New resource' : `Edit ${resource.name}`}
      verb={resource === null ? 'Create resource' : 'Save'}
      close={close}
      act={act}
    >
      {resource === null && (
        <TextField
          label="Identifier"
          type="url"
          required
          value={identifier}
          set={setIdentifier}
          hint="The absolute URI of the API, such as https://orders.example/api. It becomes the audience of its tokens."
        />
      )}
      {!fixed && (
        <>
          <TextField label="Name" required maxLength={128} value={name} set={setName} />
          <AreaField
            label="Scopes"
            required
            value={scopes}
            set={setScopes}
            hint="One on each line, such as orders:read."
          />
        </>
      )}
      <AreaField
        label="Clients that may introspect its tokens"
        value={clients}
        set={setClients}
        hint="Client ids, one on each line: usually the API itself."
      />
    </FormDialog>
  );
}

/** What is other than it was: another administrator may have changed the rest meanwhile. */
function differences(before: ResourceView, given: Partial<ResourceView>): object {
  const names = Object.keys(given) as (keyof ResourceView)[];
  const changed = names.filter((name) => JSON.stringify(given[name]) !== JSON.stringify(before[name]));
  return Object.fromEntries(changed.map((name) => [name, given[name]]));
}

function wordsOf(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];
}
