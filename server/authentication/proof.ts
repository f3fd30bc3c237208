import { type AuthMethod, CLIENT_ID_CHARACTERS_MAX } from '../oauth/client';
import { OAuthError } from '../oauth/errors';
import type { CertificateHolder } from './certificate-check';

/** What must be known of a client to tell whether it is the one. */
export interface KnownClient extends CertificateHolder {
  readonly isActive: boolean;
  readonly authMethod: AuthMethod;
}

/** A client that has proved who it is, and how. */
export interface Proof<C> {
  readonly client: C;
  readonly method: AuthMethod;
  /** Which of its secrets it used; null: none. */
  readonly secretId: number | null;
}

/** Failures of a client and an address. Each throws Problem 429 when there were too many. */
export interface FailureLimits {
  /** Before anything is compared, so that guesses cost nothing. */
  check(clientId: string, address: () => string): void;
  /** It was right: of guesses sent together no more are answered than count, and a right one looks like the rest. */
  confirm(clientId: string, address: () => string): void | Promise<void>;
  /** It was wrong. */
  count(clientId: string, address: () => string): void | Promise<void>;
}

/** The limits, for names that may be longer than any client id: those are nobody, and are not kept anywhere. */
export function limitsOfNames({ check, confirm, count }: FailureLimits): FailureLimits {
  const keyOf = (clientId: string): string => (clientId.length <= CLIENT_ID_CHARACTERS_MAX ? clientId : '');
  return {
    check: (clientId, address) => check(keyOf(clientId), address),
    confirm: (clientId, address) => confirm(keyOf(clientId), address),
    count: (clientId, address) => count(keyOf(clientId), address),
  };
}

/** Rows of clients. */
export interface ClientRows<C> {
  /** The row as it was last found, or null. */
  recall(clientId: string): C | null;
  /** The row as it is now; the same work whether there is one or not. */
  find(clientId: string): Promise<C | null>;
}

/**
 * Judges a client that authenticates without a secret; null: there is none. Refusing takes one query, of a client that is
 * remembered too: the time must not tell who is there.
 */
export async function withClient<C>(
  clients: ClientRows<C>,
  clientId: string,
  judge: (client: C | null) => Promise<Proof<C>>,
): Promise<Proof<C>> {
  const remembered = clients.recall(clientId);
  if (remembered === null) return judge(await clients.find(clientId));
  try {
    return await judge(remembered);
  } catch (error) {
    await clients.find(clientId);
    throw error;
  }
}

/** There is no such client, or (not null) it authenticates in another way than by `method`. */
export function notByThis(client: KnownClient | null, clientId: string, method: string): OAuthError {
  if (client === null) return new OAuthError('invalid_client', 'client_unknown', { clientId });
  return new OAuthError('invalid_client', 'auth_method_not_allowed', { clientId, details: { method } });
}

/** The client is switched off. */
export function disabled(clientId: string): OAuthError {
  return new OAuthError('invalid_client', 'client_disabled', { clientId });
}
