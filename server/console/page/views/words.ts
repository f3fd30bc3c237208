import type { AuthMethod, ClientView, SecretView } from '../../../admin/contract';
import { duration } from '../time';
import type { Tone } from '../ui/notice';

/** How clients authenticate, in words. */
export const AUTH_METHODS: Readonly<Record<AuthMethod, string>> = {
  client_secret_basic: 'Client secret',
  client_secret_post: 'Client secret (form only)',
  private_key_jwt: 'Private key (signed assertion)',
  tls_client_auth: 'TLS certificate of an authority',
  self_signed_tls_client_auth: 'Self-signed TLS certificate',
};

/** True for a client that has secrets. */
export function hasSecrets(method: AuthMethod): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}

/** What a token of the client is asked for first: the rates where it may read them. */
export function resourceFirst({ grants }: ClientView, issuer: string): string {
  const rates = `${issuer}/api/currency`;
  const [first = rates] = Object.keys(grants);
  return rates in grants ? rates : first;
}

/** How a secret is, in a word and a tone. */
export function secretState({ state, expires_at }: SecretView, nowMs: number): { tone: Tone; text: string } {
  switch (state) {
    case 'live':
      return { tone: 'good', text: 'Live' };
    case 'ending':
      return {
        tone: 'wait',
        text: `Ends in ${expires_at === null ? 'a few days' : duration(Date.parse(expires_at) - nowMs)}`,
      };
    case 'ended':
      return { tone: 'bad', text: 'Ended' };
  }
}

/** What the list says of the secrets of a client: age of the newest, and what is to be done about them. */
export function secretSummary(client: ClientView, nowMs: number): { text: string; warning: string | null } {
  if (!hasSecrets(client.auth_method)) return { text: 'None needed', warning: null };
  const live = client.secrets.filter(({ state }) => state !== 'ended');
  if (live.length === 0) return { text: 'None', warning: 'No live secret' };
  const newest = Math.max(...live.map(({ created_at }) => Date.parse(created_at)));
  const ending = endingFirst(client);
  const warning = ending === null ? null : `${live.length > 1 ? 'One ends' : 'Ends'} in ${duration(ending - nowMs)}`;
  return { text: `${duration(nowMs - newest)} old`, warning };
}

/** The same in sentences; null: nothing is to be done. */
export function secretWarning(client: ClientView, nowMs: number): string | null {
  const live = client.secrets.filter(({ state }) => state !== 'ended');
  const ending = endingFirst(client);
  if (!hasSecrets(client.auth_method)) return null;
  if (live.length === 0) return 'It has no live secret, so it gets no tokens.';
  if (ending === null) return null;
  const span = duration(ending - nowMs);
  if (live.length === 1) return `Its only secret ends in ${span}. Give it another one before it stops working.`;
  return `One of its secrets ends in ${span}. By then it must use another one.`;
}

/** When the next of its ending secrets ends, in milliseconds since the epoch; null: none does. */
function endingFirst({ secrets }: ClientView): number | null {
  const ends = secrets.flatMap(({ state, expires_at }) =>
    state === 'ending' && expires_at !== null ? [Date.parse(expires_at)] : [],
  );
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Words that are not written as tags write them. */
const SPELLINGS: Readonly<Record<string, string>> = {
  api: 'API',
  csrf: 'CSRF',
  dpop: 'DPoP',
  id: 'ID',
  ids: 'IDs',
  jwk: 'JWK',
  jwks: 'JWKS',
  kid: 'Key ID',
  oauth: 'OAuth',
  tls: 'TLS',
  uri: 'URI',
  url: 'URL',
};

/** `secret_created` → `Secret created`. */
export function plain(tag: string): string {
  const text = tag
    .split(/[_-]/)
    .map((word) => SPELLINGS[word] ?? word)
    .join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
