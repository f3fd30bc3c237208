/** Introspection (RFC 7662): what a token says, for who may know. */
import { jsonReply } from '../oauth/reply';
import { type AboutOptions, type AboutRequest, type Asked, createAsk } from './about';
import type { AccessTokens } from './access';
import { type AccessClaims, confirmationOf } from './model';
import { CHANGES_SILENT_MAX_MS, newsMissing } from './service';

/** A ready answer of which a copy is sent, and headers to go with it (null: none). */
export interface ReadyAnswer {
  readonly answer: Response;
  readonly headers: Readonly<Record<string, string>> | null;
}

/** Answers questions about tokens. */
export interface Introspection {
  /** @throws OAuthError invalid_request, invalid_client; Problem 429; Problem 503 when a revocation may not have been heard of */
  introspect(request: AboutRequest): Promise<ReadyAnswer>;
}

/** What the service stands on. */
export interface IntrospectionOptions extends AboutOptions {
  readonly tokens: AccessTokens;
  readonly resources: {
    findByUri(uri: string): { readonly introspectionClients: readonly string[] } | undefined;
  };
  readonly issuer: string;
  /** Milliseconds since the change feed last proved alive. */
  readonly silentMs: () => number;
}

/** One answer for a token that is unknown, has ended, or is none of the caller's business (RFC 7662 §2.2). */
const INACTIVE = jsonReply('{"active":false}');

/** The introspection service. What is said of a token never changes while it is in force, so it is written once; a copy of a ready `Response` costs less than a new one. */
export function createIntrospection(options: IntrospectionOptions): Introspection {
  const { tokens, resources, issuer, silentMs } = options;
  const ask = createAsk(options);
  const answers = new WeakMap<AccessClaims, Response>();
  const answerOf = (claims: AccessClaims): Response => {
    const known = answers.get(claims);
    if (known !== undefined) return known;
    const answer = jsonReply(describe(claims, issuer));
    answers.set(claims, answer);
    return answer;
  };
  const mayKnow = ({ client }: Asked, claims: AccessClaims): boolean => {
    const resource = resources.findByUri(claims.audience);
    if (resource === undefined) return false;
    if (client === null || client.clientId === claims.clientId) return true;
    return resource.introspectionClients.includes(client.clientId);
  };
  return {
    introspect: async (request) => {
      if (silentMs() > CHANGES_SILENT_MAX_MS) throw newsMissing();
      const asked = await ask(request);
      const { token, headers } = asked;
      const claims = tokens.recall(`Bearer ${token}`) ?? (await tokens.read(token));
      const known = typeof claims !== 'string' && tokens.endOf(claims) === null && mayKnow(asked, claims);
      return { answer: known ? answerOf(claims) : INACTIVE, headers };
    },
  };
}

function describe(
  { clientId, scopes, binding, expiresAt, issuedAt, audience, jti }: AccessClaims,
  issuer: string,
): string {
  return JSON.stringify({
    active: true,
    scope: scopes.join(' '),
    client_id: clientId,
    token_type: binding?.jkt == null ? 'Bearer' : 'DPoP',
    exp: expiresAt,
    iat: issuedAt,
    sub: clientId,
    aud: audience,
    iss: issuer,
    jti,
    ...(binding !== null && { cnf: confirmationOf(binding) }),
  });
}
