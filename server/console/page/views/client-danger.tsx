import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ClientView } from '../../../admin/contract';
import { Confirm } from '../ui/dialog';
import { Failure } from '../ui/notice';
import { useAction, useShell } from '../ui/shell';
import { type ClientTabProps, clientPath } from './client-tab';

/** What stops a client: for a while, now, or for ever. */
export function Danger({ client, put }: ClientTabProps) {
  const { api, say } = useShell();
  const [open, setOpen] = useState<'disable' | 'revoke' | 'delete' | null>(null);
  const enabling = useAction();
  const path = clientPath(client.client_id);
  const close = (): void => setOpen(null);
  const change = async (what: string, said: string): Promise<void> => {
    put(await api.send<ClientView>('POST', `${path}/${what}`));
    say(said);
  };
  const remove = async (): Promise<void> => {
    await api.send('DELETE', path);
    say(`The client ${client.app_name} is deleted.`);
    location.hash = '#/clients';
  };
  return (
    <div class="card steps">
      {client.is_active ? (
        <Step title="Disable" text="No new tokens, and those it has are refused at once. You can enable it again.">
          <button type="button" class="danger" onClick={() => setOpen('disable')}>
            Disable client
          </button>
        </Step>
      ) : (
        <Step title="Enable" text="It may ask for tokens again. Those it had before stay refused.">
          <button
            type="button"
            class="primary"
            disabled={enabling.busy}
            onClick={() => void enabling.run(() => change('enable', 'The client is enabled.'))}
          >
            Enable client
          </button>
          <Failure error={enabling.error} />
        </Step>
      )}
      <Step title="Revoke all tokens" text="Every token it has is refused at once. It may ask for new ones right away.">
        <button type="button" class="danger" onClick={() => setOpen('revoke')}>
          Revoke all tokens
        </button>
      </Step>
      <Step title="Delete" text="The client, its secrets and tokens are gone for good. Its id can never be used again.">
        <button type="button" class="danger" onClick={() => setOpen('delete')}>
          Delete client
        </button>
      </Step>
      {open === 'disable' && (
        <Confirm
          title="Disable this client?"
          verb="Disable client"
          close={close}
          act={() => change('disable', 'The client is disabled; its tokens are refused.')}
        >
          <p>
            <Who client={client} /> stops working now, until you enable it again.
          </p>
        </Confirm>
      )}
      {open === 'revoke' && (
        <Confirm
          title="Revoke all tokens?"
          verb="Revoke all tokens"
          close={close}
          act={() => change('revoke-tokens', 'All tokens of the client are revoked.')}
        >
          <p>
            Every token of <Who client={client} /> is refused. A program that does not ask for a new one when that
            happens will stop.
          </p>
        </Confirm>
      )}
      {open === 'delete' && (
        <Confirm title="Delete this client?" verb="Delete client" typed={client.client_id} close={close} act={remove}>
          <p>
            <Who client={client} /> stops working now. This can not be undone.
          </p>
        </Confirm>
      )}
    </div>
  );
}

/** Names are not unique: the id says which one it is. */
function Who({ client }: { client: ClientView }) {
  return (
    <>
      <strong>{client.app_name}</strong> (<code>{client.client_id}</code>)
    </>
  );
}

function Step({ title, text, children }: { title: string; text: string; children: ComponentChildren }) {
  return (
    <section>
      <div>
        <h2>{title}</h2>
        <p>{text}</p>
      </div>
      <div>{children}</div>
    </section>
  );
}
