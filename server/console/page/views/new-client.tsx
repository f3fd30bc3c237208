import { useState } from 'preact/hooks';
import type { CreatedClient, ResourceView } from '../../../admin/contract';
import type { Page } from '../model';
import { clientHref } from '../route';
import { Group, SelectField, TextField } from '../ui/form';
import { Heading } from '../ui/heading';
import { Failure, Show } from '../ui/notice';
import { useAction, useData, useShell } from '../ui/shell';
import { bodyOf, draftOf } from './access-draft';
import { AuthFields, GrantFields, RuleFields } from './access-fields';
import { EXPIRIES } from './rotate-secret';
import { hasSecrets } from './words';

/** Makes a client; its secret is shown once. */
export function NewClient() {
  const list = useData('resources', (api) => api.get<Page<ResourceView>>('resources'));
  return (
    <>
      <a class="back" href="#/clients">
        All clients
      </a>
      <Heading title="New client">
        <p class="quiet">A machine that asks for tokens by itself.</p>
      </Heading>
      <Show of={list}>{({ items }) => <NewClientForm resources={items} />}</Show>
    </>
  );
}

function NewClientForm({ resources }: { resources: readonly ResourceView[] }) {
  const { api, say, showOnce } = useShell();
  const [id, setId] = useState('');
  const [label, setLabel] = useState('');
  const [expiry, setExpiry] = useState('');
  const [draft, set] = useState(() => draftOf(null, resources));
  const action = useAction();
  const create = async (): Promise<void> => {
    const secret = { label, ...(expiry === '' ? {} : { expires_in_seconds: Number(expiry) }) };
    const { client, client_secret } = await api.send<CreatedClient>('POST', 'clients', {
      ...(id === '' ? {} : { client_id: id }),
      ...filled(bodyOf(draft)),
      ...(hasSecrets(draft.authMethod) ? { secret } : {}),
    });
    say(`The client ${client.app_name} is created.`);
    const next = clientHref(client.client_id, 'quick-start');
    if (client_secret === null) location.hash = next;
    else showOnce({ kind: 'client_secret', client, clientSecret: client_secret, next });
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void action.run(create);
  };
  const fields = { draft, set, resources };
  return (
    <form class="card" onSubmit={submit}>
      <div class="pair">
        <TextField
          label="Name"
          required
          maxLength={128}
          value={draft.appName}
          set={(appName) => set({ ...draft, appName })}
          hint="For people, such as “Price watcher”."
        />
        <TextField
          label="Client id (optional)"
          value={id}
          set={setId}
          pattern="[A-Za-z0-9._~\-]{1,128}"
          title="1 to 128 of A-Z a-z 0-9 . _ ~ -"
          hint="Empty: the server makes one. It can never be changed or used again."
        />
      </div>
      <AuthFields {...fields} />
      {hasSecrets(draft.authMethod) && (
        <Group legend="Its first secret">
          <div class="pair">
            <TextField label="Label (optional)" maxLength={64} value={label} set={setLabel} hint="Where it is used." />
            <SelectField label="The secret ends" options={EXPIRIES} value={expiry} set={setExpiry} />
          </div>
        </Group>
      )}
      <GrantFields {...fields} />
      <RuleFields {...fields} />
      <Failure error={action.error} />
      <button type="submit" class="primary" disabled={action.busy}>
        Create client
      </button>
    </form>
  );
}

/** Without what is null: a new client has no value to take away. */
function filled(body: object): object {
  return JSON.parse(JSON.stringify(body, (_, value: unknown) => (value === null ? undefined : value)));
}
