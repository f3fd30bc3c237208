import type { AuthMethod, ClientChangeBody, ClientView, ResourceView } from '../../../admin/contract';
import { AreaField, CheckField, Group, SelectField, TextField } from '../ui/form';
import { AUTH_METHODS } from './words';

/** What can be set on a client, as the form holds it. */
export interface AccessDraft {
  readonly appName: string;
  readonly authMethod: AuthMethod;
  readonly jwks: string;
  readonly jwksUri: string;
  readonly tlsKind: TlsKind;
  readonly tlsValue: string;
  readonly grants: ClientView['grants'];
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  readonly limitApi: string;
  readonly limitToken: string;
}

type TlsKind = NonNullable<ClientView['tls_subject']>['kind'];

const TLS_KINDS: Readonly<Record<TlsKind, string>> = {
  tls_client_auth_subject_dn: 'Subject name',
  tls_client_auth_san_dns: 'DNS name',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP address',
  tls_client_auth_san_email: 'E-mail address',
};

/** The draft of a client, or of a new one that may read the rates. */
export function draftOf(client: ClientView | null, resources: readonly ResourceView[]): AccessDraft {
  const rates = resources.find(({ identifier, built_in }) => built_in && identifier.endsWith('/api/currency'));
  return {
    appName: client?.app_name ?? '',
    authMethod: client?.auth_method ?? 'client_secret_basic',
    jwks: client?.jwks == null ? '' : JSON.stringify(client.jwks, null, 2),
    jwksUri: client?.jwks_uri ?? '',
    tlsKind: client?.tls_subject?.kind ?? 'tls_client_auth_subject_dn',
    tlsValue: client?.tls_subject?.value ?? '',
    grants: client?.grants ?? (rates === undefined ? {} : { [rates.identifier]: rates.scopes }),
    dpopBound: client?.dpop_bound ?? false,
    certificateBound: client?.certificate_bound ?? false,
    limitApi: client?.limits.api ?? '',
    limitToken: client?.limits.token ?? '',
  };
}

/** What a whole draft sets. Throws Error when the keys are not JSON. */
export function bodyOf(draft: AccessDraft): ClientChangeBody {
  const withKeys = draft.authMethod === 'private_key_jwt' || draft.authMethod === 'self_signed_tls_client_auth';
  const byName = draft.authMethod === 'tls_client_auth';
  return {
    app_name: draft.appName,
    auth_method: draft.authMethod,
    grants: inOrder(draft.grants),
    dpop_bound: draft.dpopBound,
    certificate_bound: draft.certificateBound,
    limits: { api: draft.limitApi || null, token: draft.limitToken || null },
    tls_subject: byName ? { kind: draft.tlsKind, value: draft.tlsValue } : null,
    ...(withKeys && {
      jwks: draft.jwksUri === '' ? parseKeys(draft.jwks) : null,
      jwks_uri: draft.jwksUri || null,
    }),
  };
}

/** What a draft changes: another administrator may have changed the rest meanwhile. Throws Error when the keys are not JSON. */
export function changeOf(base: AccessDraft, draft: AccessDraft): ClientChangeBody {
  const before = Object.entries(bodyOf(base)).map(([name, value]) => [name, JSON.stringify(value)]);
  const known = new Map(before as [string, string][]);
  return Object.fromEntries(
    Object.entries(bodyOf(draft)).filter(([name, value]) => known.get(name) !== JSON.stringify(value)),
  );
}

/** The same grants are the same text, in whichever order they were ticked. */
function inOrder(grants: AccessDraft['grants']): AccessDraft['grants'] {
  const sorted = Object.entries(grants).map(([resource, scopes]) => [resource, scopes.toSorted()] as const);
  return Object.fromEntries(sorted.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function parseKeys(text: string): ClientView['jwks'] {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text) as ClientView['jwks'];
  } catch {
    throw new Error('The public keys are not JSON. Paste a key set: {"keys": [ … ]}.');
  }
}

/** What the fields are given. */
export interface AccessFieldsProps {
  readonly draft: AccessDraft;
  readonly set: (draft: AccessDraft) => void;
  readonly resources: readonly ResourceView[];
}

/** How the client authenticates, and with what. */
export function AuthFields({ draft, set }: AccessFieldsProps) {
  const method = draft.authMethod;
  const withKeys = method === 'private_key_jwt' || method === 'self_signed_tls_client_auth';
  return (
    <Group legend="Authentication">
      <SelectField
        label="Method"
        value={method}
        options={Object.entries(AUTH_METHODS)}
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
