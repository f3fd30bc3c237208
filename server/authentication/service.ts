import { type Credentials, parseCredentials } from '../oauth/credentials';
import { OAuthError } from '../oauth/errors';
import type { Parameters } from '../oauth/form';
import { type ByAssertionOptions, createByAssertion } from './by-assertion';
import { createByCertificate } from './by-certificate';
import { type BySecretOptions, createBySecret } from './by-secret';
import type { ClientCertificate } from './certificate';
import type { CertificateCheck } from './certificate-check';
import { type FailureLimits, type KnownClient, limitsOfNames, type Proof } from './proof';

/** A request by which a client authenticates; certificate and address are only worked out when they are needed. */
export interface ClientRequest {
  readonly authorization: string | null;
  readonly parameters: Parameters;
  /** The certificate of the connection, from a trusted proxy. @throws OAuthError invalid_request when it is malformed. */
  readonly certificate: () => ClientCertificate | null;
  /** The caller's address. */
  readonly address: () => string;
}

/** A client that is who it says. */
export interface Authenticated<C> extends Proof<C> {
  /** `x5t#S256` of the certificate it presented, whatever the method (RFC 8705 §3). */
  readonly certificateThumbprint: string | null;
}

/** Client authentication (RFC 6749 §2.3, RFC 7523, RFC 8705), the same at every endpoint. */
export interface Authentication<C> {
  /** @throws OAuthError invalid_request, invalid_client; Problem 429 after too many failures, 503 when busy. */
  authenticate(request: ClientRequest): Promise<Authenticated<C>>;
}

/** What client authentication stands on. */
export interface AuthenticationOptions<C extends KnownClient> {
  readonly clients: BySecretOptions<C>['clients'] &
    ByAssertionOptions<C>['clients'] & {
      /** Hears of each client that has proved who it is, and by which of its secrets; null: by other means. */
      used(clientId: string, secretId: number | null): void;
    };
  readonly assertions: ByAssertionOptions<C>['assertions'];
  readonly certificates: CertificateCheck;
  readonly failed: FailureLimits;
}

/** Client authentication: what the request says, which way that is proved, what a failure counts. */
export function createAuthentication<C extends KnownClient>(options: AuthenticationOptions<C>): Authentication<C> {
  const failed = limitsOfNames(options.failed);
  const bySecret = createBySecret<C>({ ...options, failed });
  const byAssertion = createByAssertion<C>({ ...options, failed });
  const byCertificate = createByCertificate<C>({ ...options, failed });

  const prove = (credentials: Credentials, { certificate, address }: ClientRequest): Promise<Proof<C>> => {
    switch (credentials.method) {
      case 'client_secret_basic':
      case 'client_secret_post':
        return bySecret(credentials, address);
      case 'private_key_jwt':
        return byAssertion(credentials, address);
      case 'certificate':
        return byCertificate(credentials, certificate(), address);
    }
  };

  return {
    authenticate: async (request) => {
      const { authorization, parameters, certificate, address } = request;
      const credentials = parseCredentials(authorization, parameters, () => certificate() !== null);
      try {
        const proof = await prove(credentials, request);
        await failed.confirm(proof.client.clientId, address);
        const certificateThumbprint = certificate()?.thumbprint ?? null;
        options.clients.used(proof.client.clientId, proof.secretId);
        return { ...proof, certificateThumbprint };
      } catch (error) {
        if (error instanceof OAuthError) error.method = credentials.method;
        const isFailure = error instanceof OAuthError && error.code === 'invalid_client';
        if (isFailure) await failed.count(error.clientId ?? credentials.clientId ?? '', address);
        throw error;
      }
    },
  };
}
