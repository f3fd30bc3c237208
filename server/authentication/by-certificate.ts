import { usesCertificate } from '../oauth/client';
import type { CertificateCredentials } from '../oauth/credentials';
import type { ClientCertificate } from './certificate';
import type { CertificateCheck } from './certificate-check';
import {
  type ClientRows,
  disabled,
  type FailureLimits,
  type KnownClient,
  notByThis,
  type Proof,
  withClient,
} from './proof';

/** What proof by certificate stands on. */
export interface ByCertificateOptions<C> {
  readonly clients: ClientRows<C>;
  readonly certificates: CertificateCheck;
  readonly failed: Pick<FailureLimits, 'check'>;
}

/** `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2). Without a client of either kind the certificate is looked at all the same. */
export function createByCertificate<C extends KnownClient>({ clients, certificates, failed }: ByCertificateOptions<C>) {
  return async (
    credentials: CertificateCredentials,
    certificate: ClientCertificate | null,
    address: () => string,
  ): Promise<Proof<C>> => {
    const { clientId } = credentials;
    failed.check(clientId, address);
    return withClient(clients, clientId, async (client) => {
      const method = client?.authMethod ?? null;
      if (client === null || certificate === null || method === null || !usesCertificate(method)) {
        if (certificate !== null) await certificates.refuse(certificate);
        throw notByThis(client, clientId, credentials.method);
      }
      await certificates.check(certificate, method, client);
      if (!client.isActive) throw disabled(clientId);
      return { client, method, secretId: null };
    });
  };
}
