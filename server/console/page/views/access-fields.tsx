import type { AuthMethod, ResourceView } from '../../../admin/contract';
import { AreaField, CheckField, Group, SelectField, TextField } from '../ui/form';
import { useShell } from '../ui/shell';
import type { AccessDraft, TlsKind } from './access-draft';
import { AUTH_METHODS } from './words';

const TLS_KINDS: Readonly<Record<TlsKind, string>> = {
  tls_client_auth_subject_dn: 'Subject name',
  tls_client_auth_san_dns: 'DNS name',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP address',
  tls_client_auth_san_email: 'E-mail address',
};

/** What the fields are given. */
export interface AccessFieldsProps {
  readonly draft: AccessDraft;
  readonly set: (draft: AccessDraft) => void;
  readonly resources: readonly ResourceView[];
}

/** How the client authenticates, and with what. */
export function AuthFields({ draft, set }: AccessFieldsProps) {
  const { session } = useShell();
  const method = draft.authMethod;
  // A client may have one from before that this server offers no more.
  const methods = Object.entries(AUTH_METHODS).filter(
    ([name]) => name === method || session.auth_methods.some((offered) => offered === name),
  );
  const withKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth';
  return (
    <Group legend="Authentication">
      <SelectField
        label="Method"
        value={method}
        options={methods}
        set={(value) => set({ ...draft, authMethod: value as AuthMethod })}
      />
      {withKeys && (
        <>
          <TextField
            label="Address of its public keys"
            type="url"
            value={draft.jwksUri}
            set={(jwksUri) => set({ ...draft, jwksUri })}
            hint="An https address of a key set. Leave it empty to paste the keys below."
          />
          {draft.jwksUri === '' && (
            <AreaField
              label="Public keys (JWK set)"
              value={draft.jwks}
              set={(jwks) => set({ ...draft, jwks })}
              hint="Public keys only: a private key is refused."
            />
          )}
        </>
      )}
      {method === 'tls_client_auth' && (
        <div class="pair">
          <SelectField
            label="Name in the certificate"
            value={draft.tlsKind}
            options={Object.entries(TLS_KINDS)}
            set={(tlsKind) => set({ ...draft, tlsKind: tlsKind as TlsKind })}
          />
          <TextField label="Value" required value={draft.tlsValue} set={(tlsValue) => set({ ...draft, tlsValue })} />
        </div>
      )}
    </Group>
  );
}

/** Scopes per resource. */
export function GrantFields({ draft, set, resources }: AccessFieldsProps) {
  const grant = (identifier: string, scope: string, on: boolean): void => {
    const { [identifier]: before = [], ...others } = draft.grants;
    const after = on ? [...before, scope] : before.filter((one) => one !== scope);
    set({ ...draft, grants: after.length === 0 ? others : { ...others, [identifier]: after } });
  };
  return (
    <Group legend="Scopes it may ask for">
      {resources.map(({ identifier, name, scopes }) => (
        <fieldset key={identifier} class="grant" aria-label={name}>
          <p>
            {name} <code>{identifier}</code>
          </p>
          {scopes.map((scope) => (
            <CheckField
              key={scope}
              label={<code>{scope}</code>}
              checked={draft.grants[identifier]?.includes(scope) ?? false}
              set={(on) => grant(identifier, scope, on)}
              {...(scope === 'admin'
                ? { hint: 'Lets the client administer this server: everything this console can do.' }
                : {})}
            />
          ))}
        </fieldset>
      ))}
    </Group>
  );
}

/** Limits and what tokens are bound to. */
export function RuleFields({ draft, set }: AccessFieldsProps) {
  const limit = { pattern: '[1-9][0-9]{0,6}/[smhd]', title: 'A number per s, m, h or d, such as 100/s' };
  return (
    <>
      <Group legend="Limits">
        <div class="pair">
          <TextField
            {...limit}
            label="API calls"
            value={draft.limitApi}
            set={(limitApi) => set({ ...draft, limitApi })}
            hint="Such as 100/s or 5000/h; empty: the server’s."
          />
          <TextField
            {...limit}
            label="Token requests"
            value={draft.limitToken}
            set={(limitToken) => set({ ...draft, limitToken })}
            hint="Such as 20/s; empty: the server’s."
          />
        </div>
      </Group>
      <Group legend="Tokens that are of no use to a thief">
        <CheckField
          label="Require DPoP"
          hint="Only tokens bound to a key of the client are issued (RFC 9449)."
          checked={draft.dpopBound}
          set={(dpopBound) => set({ ...draft, dpopBound })}
        />
        <CheckField
          label="Bind to the client’s certificate"
          hint="Tokens work only over TLS with the certificate they were obtained with (RFC 8705)."
          checked={draft.certificateBound}
          set={(certificateBound) => set({ ...draft, certificateBound })}
        />
      </Group>
    </>
  );
}
