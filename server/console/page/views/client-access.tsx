import type { ClientView, ResourceView } from '../../../admin/contract';
import type { Page } from '../model';
import { useDraft } from '../ui/draft';
import { TextField } from '../ui/form';
import { Failure, Show } from '../ui/notice';
import { useAction, useData, useShell } from '../ui/shell';
import { changeOf, draftOf } from './access-draft';
import { AuthFields, GrantFields, RuleFields } from './access-fields';
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
  const draft = useDraft(`access of ${client.client_id}`, draftOf(client, resources));
  const action = useAction();
  const save = async (): Promise<void> => {
    const change = changeOf(draft.base, draft.value);
    if (Object.keys(change).length === 0) {
      say('There is nothing to save.');
      return;
    }
    const changed = await api.send<ClientView>('PATCH', clientPath(client.client_id), change);
    draft.restart(draftOf(changed, resources));
    put(changed);
    say('Saved. New tokens follow it at once.');
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void action.run(save);
  };
  const fields = { draft: draft.value, set: draft.set, resources };
  return (
    <form class="card" onSubmit={submit}>
      <TextField
        label="Name"
        required
        maxLength={128}
        value={draft.value.appName}
        set={(appName) => draft.set({ ...draft.value, appName })}
      />
      <GrantFields {...fields} />
      <RuleFields {...fields} />
      <AuthFields {...fields} />
      <Failure error={action.error} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={action.busy}>
          Save
        </button>
        {draft.isChanged && (
          <>
            <button type="button" disabled={action.busy} onClick={() => draft.restart(draftOf(client, resources))}>
              Discard
            </button>
            <span class="quiet">Not saved yet.</span>
          </>
        )}
      </div>
    </form>
  );
}
