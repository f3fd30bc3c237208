import type { Take } from '../../kit/limit';
import { invalidRequest, OAuthError, type OAuthErrorCode } from '../oauth/errors';
import type { Parameters } from '../oauth/form';
import type { TokenAnswer } from '../oauth/reply';
import {
  type AskingAuthenticated,
  type AskingClient,
  type Authenticate,
  isJson,
  parseParameters,
  type RawRequest,
} from './asking';
import { charged } from './charged';
import type { Keyring } from './keys';
import { type Binding, confirmationOf } from './model';
import type { GivenProof, Proofs, Proven } from './proofs';
import { createTargeting, type FindResource } from './target';

/** Where tokens are asked for, below the issuer. */
export const TOKEN_PATH = '/api/auth/token';

/** Issues access tokens. */
export interface Tokens {
  /** The token endpoint (RFC 6749 §4.4). @throws OAuthError as RFC 6749 §5.2 says; Problem 429; Problem 503 when the database is away or the server busy. */
  issue(request: RawRequest): Promise<TokenAnswer>;
}

/** What the service stands on. */
export interface TokensOptions {
  readonly authenticate: Authenticate;
  /** Counts one issued token, and the method by which it was asked for. */
  readonly issued: (clientId: string, method: string) => void;
  /** Counts one request that was refused with this `error` of RFC 6749 §5.2. `method`: null where it did not get so far. */
  readonly refused: (error: OAuthErrorCode, method: string | null) => void;
  readonly keyring: Pick<Keyring, 'sign'>;
  readonly proofs: Proofs;
  readonly findResource: FindResource;
  readonly issuer: string;
  readonly ttlSeconds: number;
  /** One more token of this client; null: there is no limit. */
  readonly take: Take<AskingClient> | null;
  readonly now: () => number;
  readonly newId: () => string;
  /** @throws Problem 503 while it may not be known here that a client was disabled. */
  readonly requireNews: () => void;
}

/** The token service of the client-credentials grant. */
export function createTokens(options: TokensOptions): Tokens {
  const { authenticate, issued, keyring, proofs, issuer, ttlSeconds, take, now, newId, requireNews } = options;
  const target = createTargeting({ issuer, find: options.findResource });
  const grant = async (dpop: string | null, parameters: Parameters, authenticated: AskingAuthenticated) => {
    const { client, method } = authenticated;
    const { audience, scope } = target(parameters, client);
    const proof = dpop === null ? requireNone(client) : await proofs.check(proofGiven(dpop));
    const binding = bindingOf(proof, authenticated);
    await proof?.use(client.clientId);
    const payload = {
      iss: issuer,
      sub: client.clientId,
      aud: audience,
      // `iat` is written by the plugin that signs, from the clock of this machine, whatever it is given.
      exp: Math.floor(now() / 1000) + ttlSeconds,
      jti: newId(),
      client_id: client.clientId,
      scope,
      epoch: client.epoch,
    };
    const accessToken = await keyring.sign(binding === null ? payload : { ...payload, cnf: confirmationOf(binding) });
    issued(client.clientId, method);
    return { accessToken, scope, proof };
  };
  const answer = async (request: RawRequest): Promise<TokenAnswer> => {
    const parameters = parseParameters(request, true);
    checkGrantType(parameters, isJson(request.contentType));
    requireNews();
    const { authorization, certificate, address, dpop } = request;
    const authenticated = await authenticate({ authorization, parameters, certificate, address });
    const { client, method } = authenticated;
    const limits = take === null ? null : await take(client);
    try {
      const { accessToken, scope, proof } = await grant(dpop, parameters, authenticated);
      const tokenType = proof === null ? 'Bearer' : 'DPoP';
      return { accessToken, tokenType, expiresInSeconds: ttlSeconds, scope, headers: headersOf(limits, proof) };
    } catch (error) {
      if (error instanceof OAuthError) error.method = method;
      throw charged(error, client.clientId, limits);
    }
  };
  return {
    issue: async (request) => {
      try {
        return await answer(request);
      } catch (error) {
        if (error instanceof OAuthError) options.refused(error.code, error.method);
        throw error;
      }
    },
  };
}

/** Only the JSON short form may leave the grant type out. */
function checkGrantType(parameters: Parameters, optional: boolean): void {
  const grantType = parameters.get('grant_type')?.[0];
  if (grantType === undefined && optional) return;
  if (grantType === undefined) throw invalidRequest('grant_type_missing');
  if (grantType !== 'client_credentials') throw new OAuthError('unsupported_grant_type', 'grant_type_unsupported');
}

/** No proof came along, which is right for all but clients that are bound to send one (RFC 9449 §5.2). */
function requireNone({ dpopBound }: AskingClient): null {
  if (dpopBound) throw new OAuthError('invalid_dpop_proof', 'dpop_missing');
  return null;
}

function proofGiven(header: string): GivenProof {
  return { header, method: 'POST', path: TOKEN_PATH, bound: null };
}

/** What the token will be bound to (RFC 9449 §6, RFC 8705 §3); null: to nothing. */
function bindingOf(proof: Proven | null, { client, certificateThumbprint }: AskingAuthenticated): Binding | null {
  if (!client.certificateBound) return proof === null ? null : { jkt: proof.jkt, certificate: null };
  if (certificateThumbprint === null) {
    const description = 'Tokens of this client are bound to its certificate; present it.';
    throw new OAuthError('invalid_request', 'certificate_missing', { description });
  }
  return { jkt: proof?.jkt ?? null, certificate: certificateThumbprint };
}

function headersOf(
  limits: Readonly<Record<string, string>> | null,
  proof: Proven | null,
): Readonly<Record<string, string>> | null {
  const nonce = proof?.nextNonce ?? null;
  return nonce === null ? limits : { ...limits, 'dpop-nonce': nonce };
}
