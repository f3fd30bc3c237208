import { useState } from 'preact/hooks';
import type { RegistrationTokenView } from '../../../admin/contract';
import type { Page } from '../model';
import { TimeAgo } from '../time';
import { Confirm, FormDialog } from '../ui/dialog';
import { SelectField, TextField } from '../ui/form';
import { Heading } from '../ui/heading';
import { Badge, Empty, Show } from '../ui/notice';
import { useData, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';

type Open = { readonly kind: 'create' } | { readonly kind: 'revoke'; readonly item: RegistrationTokenView } | null;

const PATH = 'registration-tokens';

const EXPIRIES = [
  ['3600', 'After an hour'],
  ['86400', 'After a day'],
  ['604800', 'After 7 days'],
  ['7776000', 'After 90 days'],
] as const;

/** Initial access tokens (RFC 7591): who holds one may register a client by itself. */
export function RegistrationTokens() {
  const { api, say, showOnce } = useShell();
  const [open, setOpen] = useState<Open>(null);
  const list = useData(PATH, (from) => from.get<Page<RegistrationTokenView>>(PATH));
  const close = (): void => setOpen(null);
  const made = (token: string): void => {
    close();
    showOnce({ kind: 'registration_token', token });
    list.reload();
  };
  const revoke = async ({ id }: RegistrationTokenView): Promise<void> => {
    await api.send('DELETE', `${PATH}/${id}`);
    list.reload();
    say('The registration token is revoked.');
  };
  const create = (
    <button type="button" class="primary" onClick={() => setOpen({ kind: 'create' })}>
      New registration token
    </button>
  );
  return (
    <>
      <Heading title="Registration tokens" actions={create}>
        <p class="quiet">Give one to somebody who should register a client without your help.</p>
      </Heading>
      <Show of={list}>
        {({ items }) => <TokenTable items={items} revoke={(item) => setOpen({ kind: 'revoke', item })} />}
      </Show>
      {open?.kind === 'create' && <CreateToken close={close} done={made} />}
      {open?.kind === 'revoke' && (
        <Confirm title="Revoke this token?" verb="Revoke token" close={close} act={() => revoke(open.item)}>
          <p>Nobody can register with it any more. Clients that were registered with it stay.</p>
        </Confirm>
      )}
    </>
  );
}

interface TokenTableProps {
  readonly items: readonly RegistrationTokenView[];
  readonly revoke: (item: RegistrationTokenView) => void;
}

function TokenTable({ items, revoke }: TokenTableProps) {
  if (items.length === 0) return <Empty>There are no registration tokens. Make one when somebody needs it.</Empty>;
  const columns: Column<RegistrationTokenView>[] = [
    {
      head: 'Token',
      cell: ({ label, hint }) => (
        <span class="stacked">
          {label || 'No label'}
          {hint !== null && <code>…{hint}</code>}
        </span>
      ),
    },
    {
      head: 'State',
      cell: ({ state }) => (
        <Badge tone={state === 'ended' ? 'bad' : 'good'}>{state === 'ended' ? 'Ended' : 'Live'}</Badge>
      ),
    },
    { head: 'Uses left', cell: ({ uses_left }) => uses_left ?? 'Any number' },
    { head: 'Expires', cell: ({ expires_at }) => <TimeAgo at={expires_at} /> },
    { head: 'Last used', cell: ({ last_used_at }) => <TimeAgo at={last_used_at} /> },
    {
      head: 'Actions',
      kind: 'action',
      cell: (item) => (
        <button type="button" onClick={() => revoke(item)}>
          Revoke<span class="hidden"> {item.label || `token ${item.id}`}</span>
        </button>
      ),
    },
  ];
  return <Table caption="Registration tokens" columns={columns} rows={items} keyOf={({ id }) => id} />;
}

function CreateToken({ close, done }: { close: () => void; done: (token: string) => void }) {
  const { api } = useShell();
  const [label, setLabel] = useState('');
  const [expiry, setExpiry] = useState('86400');
  const [uses, setUses] = useState('1');
  const act = async (): Promise<void> => {
    const { registration_token } = await api.send<{ registration_token: string }>('POST', PATH, {
      label,
      expires_in_seconds: Number(expiry),
      uses: uses === '' ? null : Number(uses),
    });
    done(registration_token);
  };
  return (
    <FormDialog title="New registration token" verb="Make token" close={close} act={act}>
      <TextField label="Label (optional)" maxLength={64} value={label} set={setLabel} hint="Who it is for." />
      <TextField
        label="How many clients it may register"
        value={uses}
        set={setUses}
        pattern="[1-9][0-9]{0,5}"
        title="A whole number, or nothing"
        hint="Empty: any number, until it expires."
      />
      <SelectField label="It ends" options={EXPIRIES} value={expiry} set={setExpiry} />
    </FormDialog>
  );
}
