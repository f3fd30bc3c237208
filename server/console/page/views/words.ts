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

/** What the list says of the secrets of a client: age of the newest, and whether all are about to end. */
export function secretSummary(client: ClientView, nowMs: number): { text: string; warning: string | null } {
  if (!hasSecrets(client.auth_method)) return { text: 'None needed', warning: null };
  const live = client.secrets.filter(({ state }) => state !== 'ended');
  if (live.length === 0) return { text: 'None', warning: 'No live secret' };
  const newest = Math.max(...live.map(({ created_at }) => Date.parse(created_at)));
  const [ending] = live.filter(({ state }) => state === 'ending').sort((a, b) => endMs(a) - endMs(b));
  const warning =
    ending === undefined ? null : `${live.length > 1 ? 'One ends' : 'Ends'} in ${duration(endMs(ending) - nowMs)}`;
  return { text: `${duration(nowMs - newest)} old`, warning };
}

function endMs({ expires_at }: SecretView): number {
  return expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at);
}

/** `secret_created` → `Secret created`. */
export function plain(tag: string): string {
  const text = tag.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
