import { useState } from 'preact/hooks';
import type { SecretView } from '../../../admin/contract';
import type { Page } from '../model';
import { TimeAgo } from '../time';
import { Confirm } from '../ui/dialog';
import { Badge, Empty, Notice, Show } from '../ui/notice';
import { useData, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';
import { type ClientTabProps, clientPath } from './client-tab';
import { RotateSecret } from './rotate-secret';
import { hasSecrets, secretState } from './words';

type Open = { readonly kind: 'rotate' } | { readonly kind: 'revoke'; readonly secret: SecretView } | null;

/** The secrets of a client: rotate with overlap, revoke one. */
export function Secrets({ client, reload }: ClientTabProps) {
  const { api, say, showOnce } = useShell();
  const [open, setOpen] = useState<Open>(null);
  const path = `${clientPath(client.client_id)}/secrets`;
  const list = useData(path, (from) => from.get<Page<SecretView>>(path));
  const close = (): void => setOpen(null);
  const refresh = (): void => {
    list.reload();
    reload();
  };
  const made = (clientSecret: string): void => {
    close();
    showOnce({ kind: 'client_secret', client, clientSecret, next: null });
    refresh();
  };
  const revoke = async ({ id }: SecretView): Promise<void> => {
    await api.send('DELETE', `${path}/${id}`);
    say('The secret is revoked.');
    refresh();
  };
  if (!hasSecrets(client.auth_method)) {
    return (
      <Notice tone="plain">
        <p>This client proves who it is with a key or a certificate of its own, so it has no secrets.</p>
      </Notice>
    );
  }
  return (
    <>
      <div class="above">
        <p class="quiet">Up to five work at the same time, so that a rotation needs no downtime.</p>
        <button type="button" class="primary" onClick={() => setOpen({ kind: 'rotate' })}>
          Rotate secret
        </button>
      </div>
      <Show of={list}>
        {({ items }) => <SecretTable items={items} revoke={(secret) => setOpen({ kind: 'revoke', secret })} />}
      </Show>
      {open?.kind === 'rotate' && <RotateSecret path={path} close={close} done={made} />}
      {open?.kind === 'revoke' && (
        <Confirm title="Revoke this secret?" verb="Revoke secret" close={close} act={() => revoke(open.secret)}>
          <p>
            {open.secret.label || 'The secret'} {open.secret.hint !== null && `ending in ${open.secret.hint} `}stops
            working at once. Tokens that were obtained with it stay good until they end.
          </p>
        </Confirm>
      )}
    </>
  );
}

function SecretTable({ items, revoke }: { items: readonly SecretView[]; revoke: (secret: SecretView) => void }) {
  const { now } = useShell();
  if (items.length === 0) return <Empty>There is no secret, so this client can not sign in. Rotate to make one.</Empty>;
  const columns: Column<SecretView>[] = [
    {
      head: 'Secret',
      cell: ({ label, hint, kind }) => (
        <span class="stacked">
          {label || 'No label'}
          <small>
            {hint === null ? 'Chosen' : <code>…{hint}</code>} {hint !== null && kind === 'chosen' && 'chosen'}
          </small>
        </span>
      ),
    },
    {
      head: 'State',
      cell: (secret) => {
        const { tone, text } = secretState(secret, now());
        return <Badge tone={tone}>{text}</Badge>;
      },
    },
    { head: 'Created', cell: ({ created_at }) => <TimeAgo at={created_at} /> },
    { head: 'Expires', cell: ({ expires_at }) => <TimeAgo at={expires_at} /> },
    { head: 'Last used', cell: ({ last_used_at }) => <TimeAgo at={last_used_at} /> },
    {
      head: 'Actions',
      kind: 'action',
      cell: (secret) =>
        secret.state !== 'ended' && (
          <button type="button" onClick={() => revoke(secret)}>
            Revoke<span class="hidden"> {secret.label || `secret ${secret.id}`}</span>
          </button>
        ),
    },
  ];
  return <Table caption="Secrets" columns={columns} rows={items} keyOf={({ id }) => id} />;
}
