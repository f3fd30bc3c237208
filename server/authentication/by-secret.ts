import { usesSecret } from '../oauth/client';
import type { SecretCredentials } from '../oauth/credentials';
import { OAuthError } from '../oauth/errors';
import { type ClientRows, type FailureLimits, type KnownClient, notByThis, type Proof } from './proof';

/** What proof by secret stands on. */
export interface BySecretOptions<C> {
  readonly clients: Pick<ClientRows<C>, 'find'> & {
    /** @throws OAuthError invalid_client. */
    checkSecret(clientId: string, secret: string): Promise<{ readonly client: C; readonly secretId: number }>;
  };
  readonly failed: Pick<FailureLimits, 'check'>;
}

/** `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1). */
export function createBySecret<C extends KnownClient>({ clients, failed }: BySecretOptions<C>) {
  return async (credentials: SecretCredentials, address: () => string): Promise<Proof<C>> => {
    const { clientId, clientSecret, method } = credentials;
    failed.check(clientId, address);
    try {
      const { client, secretId } = await clients.checkSecret(clientId, clientSecret);
      if (!usesSecret(client.authMethod)) throw notByThis(client, clientId, method);
      return { client, method, secretId };
    } catch (error) {
      // Looked up after every failure, so that the time tells nothing: a client of another kind has no secret to be wrong.
      const known = error instanceof OAuthError ? await clients.find(clientId) : null;
      throw known === null || usesSecret(known.authMethod) ? error : notByThis(known, clientId, method);
    }
  };
}
