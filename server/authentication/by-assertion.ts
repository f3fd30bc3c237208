import type { AssertionCredentials } from '../oauth/credentials';
import type { AssertionCheck } from './assertion';
import {
  type ClientRows,
  disabled,
  type FailureLimits,
  type KnownClient,
  notByThis,
  type Proof,
  withClient,
} from './proof';

/** What proof by assertion stands on. */
export interface ByAssertionOptions<C> {
  readonly clients: ClientRows<C>;
  readonly assertions: Pick<AssertionCheck, 'read' | 'verify' | 'use'>;
  readonly failed: Pick<FailureLimits, 'check'>;
}

/** `private_key_jwt` (RFC 7523). Without a client of this kind the signature is looked at all the same. */
export function createByAssertion<C extends KnownClient>({ clients, assertions, failed }: ByAssertionOptions<C>) {
  return async (credentials: AssertionCredentials, address: () => string): Promise<Proof<C>> => {
    const { assertion: jwt, method } = credentials;
    const assertion = assertions.read(jwt, credentials.clientId);
    const { clientId } = assertion;
    failed.check(clientId, address);
    return withClient(clients, clientId, async (client) => {
      const holder = client?.authMethod === method ? client : null;
      const verified = assertions.verify(jwt, assertion, holder);
      if (holder === null) {
        await verified.catch(() => undefined);
        throw notByThis(client, clientId, method);
      }
      await verified;
      if (!holder.isActive) throw disabled(clientId);
      await assertions.use(assertion);
      return { client: holder, method, secretId: null };
    });
  };
}
