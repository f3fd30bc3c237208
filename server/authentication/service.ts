import { type AuthMethod, CLIENT_ID_CHARACTERS_MAX, usesCertificate, usesSecret } from '../oauth/client';
import { type Credentials, parseCredentials, type SecretCredentials } from '../oauth/credentials';
import { OAuthError } from '../oauth/errors';
import type { Parameters } from '../oauth/form';
import type { AssertionCheck, KeyHolder } from './assertion';
import type { ClientCertificate } from './certificate';
import type { CertificateCheck, CertificateHolder } from './certificate-check';

/** What must be known of a client to tell whether it is the one. */
export interface KnownClient extends KeyHolder, CertificateHolder {
  readonly clientId: string;
  readonly isActive: boolean;
  readonly authMethod: AuthMethod;
}

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
export interface Authenticated<C> {
  readonly client: C;
  readonly method: AuthMethod;
  /** Which of its secrets it used; null: none. */
  readonly secretId: number | null;
  /** `x5t#S256` of the certificate it presented, whatever the method (RFC 8705 §3). */
  readonly certificateThumbprint: string | null;
}

/** Client authentication (RFC 6749 §2.3, RFC 7523, RFC 8705), the same at every endpoint. */
export interface Authentication<C> {
  /** @throws OAuthError invalid_request, invalid_client; Problem 429 after too many failures, 503 when busy. */
  authenticate(request: ClientRequest): Promise<Authenticated<C>>;
}

/** Failures of a client and an address. */
export interface FailureLimits {
  /** @throws Problem 429 when there were too many. */
  check(clientId: string, address: () => string): void;
  count(clientId: string, address: () => string): void;
}

/** What client authentication stands on. */
export interface AuthenticationOptions<C extends KnownClient> {
  readonly clients: {
    /** The row as it was last found, or null. */
    recall(clientId: string): C | null;
    /** The row as it is now; the same work whether there is one or not. */
    find(clientId: string): Promise<C | null>;
    /** @throws OAuthError invalid_client. */
    checkSecret(clientId: string, secret: string): Promise<{ readonly client: C; readonly secretId: number }>;
  };
  readonly assertions: Pick<AssertionCheck, 'read' | 'verify' | 'use'>;
  readonly certificates: CertificateCheck;
  readonly failed: FailureLimits;
}

/** Client authentication. */
export function createAuthentication<C extends KnownClient>(options: AuthenticationOptions<C>): Authentication<C> {
  const { clients, assertions, certificates, failed } = options;

  /** Refusing takes one query, of a client that is remembered too: the time must not tell who is there. */
  const withClient = async (clientId: string, judge: (client: C | null) => Promise<Proof<C>>): Promise<Proof<C>> => {
    const remembered = clients.recall(clientId);
    if (remembered === null) return judge(await clients.find(clientId));
    try {
      return await judge(remembered);
    } catch (error) {
      await clients.find(clientId);
      throw error;
    }
  };
  /** The limits are asked again once it is known: of guesses sent together no more count, and a right one looks like the rest. */
  const bySecret = async (
    { clientId, clientSecret, method }: SecretCredentials,
    address: () => string,
  ): Promise<Proof<C>> => {
    try {
      const { client, secretId } = await clients.checkSecret(clientId, clientSecret);
      if (!usesSecret(client.authMethod)) throw notAllowed(clientId, method);
      failed.check(keyOf(clientId), address);
      return { client, method, secretId };
    } catch (error) {
      // Looked up after every failure, so that the time tells nothing: a client of another kind has no secret to be wrong.
      const known = error instanceof OAuthError ? await clients.find(clientId) : null;
      failed.check(keyOf(clientId), address);
      throw known === null || usesSecret(known.authMethod) ? error : notAllowed(clientId, method);
    }
  };
  const byAssertion = async (request: ClientRequest, jwt: string, named: string | null): Promise<Proof<C>> => {
    const assertion = assertions.read(jwt, named);
    const { clientId } = assertion;
    failed.check(keyOf(clientId), request.address);
    return withClient(clientId, async (client) => {
      const isOfKind = client?.authMethod === 'private_key_jwt';
      await assertions.verify(jwt, assertion, isOfKind ? client : null).catch((error: unknown) => {
        throw client !== null && isOfKind ? error : notThere(client, clientId, 'private_key_jwt');
      });
      if (client === null) throw notThere(client, clientId, 'private_key_jwt');
      if (!client.isActive) throw disabled(clientId);
      await assertions.use(assertion);
      return { client, method: 'private_key_jwt', secretId: null };
    });
  };
  const byCertificate = (clientId: string, certificate: ClientCertificate | null): Promise<Proof<C>> =>
    withClient(clientId, async (client) => {
      if (client === null || certificate === null) throw notThere(client, clientId, 'certificate');
      const method = client.authMethod;
      if (!usesCertificate(method)) throw notAllowed(clientId, 'certificate');
      await certificates.check(certificate, method, client);
      if (!client.isActive) throw disabled(clientId);
      return { client, method, secretId: null };
    });
  const prove = (request: ClientRequest, credentials: Credentials): Promise<Proof<C>> => {
    if (credentials.method === 'private_key_jwt')
      return byAssertion(request, credentials.assertion, credentials.clientId);
    failed.check(keyOf(credentials.clientId), request.address);
    if (credentials.method === 'certificate') return byCertificate(credentials.clientId, request.certificate());
    return bySecret(credentials, request.address);
  };

  return {
    authenticate: async (request) => {
      const certificate = (): boolean => request.certificate() !== null;
      const credentials = parseCredentials(request.authorization, request.parameters, certificate);
      try {
        const { client, method, secretId } = await prove(request, credentials);
        return { client, method, secretId, certificateThumbprint: request.certificate()?.thumbprint ?? null };
      } catch (error) {
        if (isFailure(error)) failed.count(keyOf(error.clientId ?? credentials.clientId ?? ''), request.address);
        throw error;
      }
    },
  };
}

/** That keys cannot be had is no failure of the client. */
function isFailure(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.code === 'invalid_client' && error.reason !== 'jwks_unavailable';
}

interface Proof<C> {
  readonly client: C;
  readonly method: AuthMethod;
  readonly secretId: number | null;
}

/** What is longer than any client id is nobody, and is not kept anywhere. */
function keyOf(clientId: string): string {
  return clientId.length <= CLIENT_ID_CHARACTERS_MAX ? clientId : '';
}

function notThere(client: KnownClient | null, clientId: string, method: string): OAuthError {
  if (client !== null) return notAllowed(clientId, method);
  return new OAuthError('invalid_client', 'client_unknown', { clientId });
}

function notAllowed(clientId: string, method: string): OAuthError {
  return new OAuthError('invalid_client', 'auth_method_not_allowed', { clientId, details: { method } });
}

function disabled(clientId: string): OAuthError {
  return new OAuthError('invalid_client', 'client_disabled', { clientId });
}
