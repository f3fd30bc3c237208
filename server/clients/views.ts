import { resourceUri } from '../oauth/resource';
import type { Span } from './ending-store';
import type { ClientRow, SecretRow } from './management-store';
import type { ClientView, SecretView } from './model';
import { isStoredMade } from './secret-format';

/** A secret that ends within this time is shown and told of as ending: a week, so that a working day lies in it. */
export const ENDING_MS = 7 * 86_400_000;

/** When secrets end that are ending at this moment (milliseconds since the epoch). */
export function endingAt(nowMs: number): Span {
  return { from: new Date(nowMs), until: new Date(nowMs + ENDING_MS) };
}

/** True while the secret can be used. */
export function isLive({ expiresAt }: Pick<SecretRow, 'expiresAt'>, nowMs: number): boolean {
  return expiresAt === null || expiresAt.getTime() > nowMs;
}

/** A secret as people are shown it. */
export function secretView(secret: SecretRow, nowMs: number): SecretView {
  const { id, label, hint, hash, createdAt, expiresAt, lastUsedAt } = secret;
  const soon = expiresAt !== null && expiresAt.getTime() - nowMs <= ENDING_MS;
  const live = soon ? 'ending' : 'live';
  return {
    id,
    label,
    hint,
    kind: isStoredMade(hash) ? 'generated' : 'chosen',
    state: isLive(secret, nowMs) ? live : 'ended',
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

/** A client as the administrator is shown it; its grants by absolute URI. */
export function clientView(row: ClientRow, secrets: readonly SecretRow[], issuer: string, nowMs: number): ClientView {
  const grants = Object.entries(row.grants).map(([identifier, scopes]) => [
    resourceUri(issuer, identifier),
    [...scopes],
  ]);
  return {
    client_id: row.clientId,
    app_name: row.appName,
    is_active: row.isActive,
    auth_method: row.authMethod,
    grants: Object.fromEntries(grants),
    dpop_bound: row.dpopBound,
    certificate_bound: row.certificateBound,
    jwks: row.jwks === null ? null : { keys: [...row.jwks.keys] },
    jwks_uri: row.jwksUri,
    tls_subject: row.tlsSubject === null ? null : { ...row.tlsSubject },
    limits: { api: row.limitApi, token: row.limitToken },
    metadata: { ...row.metadata },
    tokens_issued: row.tokensIssued,
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    secrets: secrets.map((secret) => secretView(secret, nowMs)),
  };
}
