import type { AuthMethod, ClientChangeBody, ClientView, ResourceView } from '../../../admin/contract';

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

/** The kinds of names in certificates (RFC 8705 §2.1.2). */
export type TlsKind = NonNullable<ClientView['tls_subject']>['kind'];

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
