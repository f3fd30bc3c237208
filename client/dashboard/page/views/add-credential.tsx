import { useState } from 'preact/hooks';
import { useShell } from '../shell';
import { Dialog } from '../ui/dialog';
import { Field, type FieldProps } from '../ui/field';

type Kind = 'made' | 'madeKey' | 'secret' | 'key';

/** A form for one more credential. What is typed here is sent once and kept nowhere. */
export function AddCredential({ close }: { readonly close: () => void }) {
  const { words, api, link, say } = useShell();
  const told = words.credentials;
  const labels = told.form;
  const [kind, setKind] = useState<Kind>('made');
  const [fields, setFields] = useState<Fields>({});
  const [flags, setFlags] = useState({ dpop: false, use: false });
  const field = (name: string, label: string, more: Partial<FieldProps> = {}) => (
    <Field
      label={label}
      value={fields[name] ?? ''}
      change={(value) => setFields((before) => ({ ...before, [name]: value }))}
      {...more}
    />
  );
  const act = async (): Promise<void> => {
    const { name } = await api.addCredential(bodyOf(kind, fields, flags));
    await link.askStatus();
    say(told.added(name));
  };
  return (
    <Dialog title={told.add} verb={told.add} close={close} act={act}>
      {field('name', labels.name, { required: true, help: labels.nameHelp, pattern: '[a-z0-9][a-z0-9._\\-]{0,63}' })}
      <fieldset class="choice">
        <legend>{labels.kind}</legend>
        {(Object.keys(labels.kinds) as Kind[]).map((one) => (
          <label key={one}>
            <input type="radio" name="kind" checked={kind === one} onChange={() => setKind(one)} /> {labels.kinds[one]}
          </label>
        ))}
      </fieldset>
      {!isMade(kind) && field('client_id', labels.clientId, { required: true })}
      {kind === 'secret' && field('client_secret', labels.clientSecret, { required: true, type: 'secret' })}
      {kind === 'key' && field('private_key', labels.privateKey, { required: true, type: 'lines' })}
      {isMade(kind) && field('app_name', labels.appName)}
      {field('servers', labels.servers, { type: 'lines', help: labels.serversHelp })}
      {field('scope', labels.scope, { help: labels.scopeHelp })}
      {field('resource', labels.resource)}
      {(['dpop', 'use'] as const).map((flag) => (
        <label key={flag} class="flag">
          <input
            type="checkbox"
            checked={flags[flag]}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              setFlags((before) => ({ ...before, [flag]: checked }));
            }}
          />{' '}
          {labels[flag]}
        </label>
      ))}
    </Dialog>
  );
}

type Fields = Readonly<Record<string, string>>;

type Body = Readonly<Record<string, unknown>>;

/** True for a client that the server does not know yet. */
function isMade(kind: Kind): boolean {
  return kind === 'made' || kind === 'madeKey';
}

/** The body of the request: what belongs to the kind and was filled in. */
function bodyOf(kind: Kind, fields: Fields, flags: { readonly dpop: boolean; readonly use: boolean }): Body {
  const ofKind = isMade(kind) ? ['app_name'] : ['client_id', kind === 'key' ? 'private_key' : 'client_secret'];
  const names = ['name', ...ofKind, 'scope', 'resource'];
  const given = (name: string): string => fields[name] ?? '';
  // A space may be a part of a secret.
  const filled = names.map((name) => [name, name === 'client_secret' ? given(name) : given(name).trim()]);
  const servers = given('servers')
    .split(/[\s,]+/)
    .filter((url) => url !== '');
  return Object.fromEntries([
    ...filled.filter(([, value]) => value !== ''),
    ...(servers.length > 0 ? [['servers', servers]] : []),
    ...(kind === 'key' || kind === 'madeKey' ? [['method', 'private_key_jwt']] : []),
    ...Object.entries(flags).filter(([, isSet]) => isSet),
  ]);
}
