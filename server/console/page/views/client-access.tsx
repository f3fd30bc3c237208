import { useState } from 'preact/hooks';
import type { ClientView, ResourceView } from '../../../admin/contract';
import type { Page } from '../model';
import { TextField } from '../ui/form';
import { Failure, Show } from '../ui/notice';
import { useAction, useData, useShell } from '../ui/shell';
import { AuthFields, bodyOf, draftOf, GrantFields, RuleFields } from './access-fields';
import { type ClientTabProps, clientPath } from './client-tab';

/** What a client may do: scopes, audiences, limits, binding, and how it authenticates. */
export function Access({ client, put }: ClientTabProps) {
  const list = useData('resources', (api) => api.get<Page<ResourceView>>('resources'));
  return <Show of={list}>{({ items }) => <AccessForm client={client} put={put} resources={items} />}</Show>;
}

interface AccessFormProps {
  readonly client: ClientView;
  readonly put: (client: ClientView) => void;
  readonly resources: readonly ResourceView[];
}

function AccessForm({ client, put, resources }: AccessFormProps) {
  const { api, say } = useShell();
  const [name, setName] = useState(client.app_name);
  const [draft, set] = useState(() => draftOf(client, resources));
  const action = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    void action.run(async () => {
      put(await api.send<ClientView>('PATCH', clientPath(client.client_id), { app_name: name, ...bodyOf(draft) }));
      say('Saved. New tokens follow it at once.');
    });
  };
  const fields = { draft, set, resources };
  return (
    <form class="card" onSubmit={submit}>
      <TextField label="Name" required maxLength={128} value={name} set={setName} />
      <GrantFields {...fields} />
      <RuleFields {...fields} />
      <AuthFields {...fields} />
      <Failure error={action.error} />
      <button type="submit" class="primary" disabled={action.busy}>
        Save
      </button>
    </form>
  );
}
