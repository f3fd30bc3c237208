import { moment, pairs, table } from '../../kit/text';
import type { ClientView } from '../admin/contract';

/** Clients as a table. */
export function listing(clients: readonly ClientView[]): string {
  const rows = clients.map((client) => [
    client.client_id,
    client.app_name,
    client.is_active ? 'active' : 'disabled',
    secretsOf(client),
    moment(client.last_used_at),
    String(client.tokens_issued),
  ]);
  return table(['CLIENT ID', 'NAME', 'STATE', 'SECRETS', 'LAST USED', 'TOKENS'], rows);
}

/** Everything about one client, line by line, with its secrets as a table. */
export function description(client: ClientView): string {
  const bound = [client.dpop_bound ? 'DPoP' : '', client.certificate_bound ? 'certificate' : ''].filter(Boolean);
  const grants = Object.entries(client.grants).map(([resource, scopes]): [string, string] => [
    'grant',
    `${resource}: ${scopes.join(' ')}`,
  ]);
  const facts = pairs([
    ['client id', client.client_id],
    ['name', client.app_name],
    ['state', client.is_active ? 'active' : 'disabled'],
    ['authentication', client.auth_method],
    ['public keys', keysOf(client)],
    ['certificate', client.tls_subject && `${client.tls_subject.kind} ${client.tls_subject.value}`],
    ['bound to', bound.length === 0 ? null : bound.join(', ')],
    ...grants,
    ['api limit', client.limits.api],
    ['token limit', client.limits.token],
    ['tokens issued', String(client.tokens_issued)],
    ['last used', moment(client.last_used_at)],
    ['created', moment(client.created_at)],
  ]);
  return client.secrets.length === 0 ? facts : `${facts}\n${secretTable(client)}`;
}

function secretsOf({ secrets, auth_method }: ClientView): string {
  if (secrets.length === 0) return auth_method;
  const count = (state: string): number => secrets.filter((secret) => secret.state === state).length;
  const live = count('live') + count('ending');
  return count('ending') === 0 ? `${live} live` : `${live} live, ${count('ending')} ending soon`;
}

function keysOf({ jwks, jwks_uri }: ClientView): string | null {
  if (jwks === null) return jwks_uri;
  const names = jwks.keys.map(({ kty, kid }) => (kid === undefined ? String(kty) : `${kty} ${kid}`));
  return names.join(', ');
}

function secretTable({ secrets }: ClientView): string {
  const rows = secrets.map((secret) => [
    String(secret.id),
    secret.label || '–',
    secret.hint === null ? secret.kind : `${secret.kind} …${secret.hint}`,
    secret.state,
    moment(secret.created_at),
    moment(secret.expires_at),
    moment(secret.last_used_at),
  ]);
  return table(['SECRET', 'LABEL', 'KIND', 'STATE', 'CREATED', 'ENDS', 'LAST USED'], rows);
}
