/** Introspection (RFC 7662): what a token says, for who may know. */
import { type AboutOptions, type AboutRequest, type Asked, createAsk } from './about';
import type { AccessTokens, TokenFault } from './access';
import type { AccessClaims } from './model';

/** What is told of a token. */
export interface Introspected {
  /** Null: it is unknown, has ended, or is none of the caller's business (RFC 7662 §2.2). The same object as long as the token is remembered. */
  readonly claims: AccessClaims | null;
  /** Headers for the answer; null: none. */
  readonly headers: Readonly<Record<string, string>> | null;
}

/** Answers questions about tokens. */
export interface Introspection {
  /** @throws OAuthError invalid_request, invalid_client; Problem 429; Problem 503 when a revocation may not have been heard of */
  introspect(request: AboutRequest): Promise<Introspected>;
}

/** What the service stands on. */
export interface IntrospectionOptions extends AboutOptions {
  readonly tokens: AccessTokens;
  readonly resources: {
    findByUri(uri: string): { readonly introspectionClients: readonly string[] } | undefined;
  };
  /** @throws Problem 503 while a revocation may not be known here. */
  readonly requireNews: () => void;
}

/** The introspection service. */
export function createIntrospection(options: IntrospectionOptions): Introspection {
  const { tokens, resources, requireNews } = options;
  const ask = createAsk(options);
  const mayKnow = ({ client }: Asked, claims: AccessClaims): boolean => {
    const resource = resources.findByUri(claims.audience);
    if (resource === undefined) return false;
    if (client === null || client.clientId === claims.clientId) return true;
    return resource.introspectionClients.includes(client.clientId);
  };
  const tellOf = (claims: AccessClaims | TokenFault, asked: Asked): Introspected => {
    const known = typeof claims !== 'string' && tokens.endOf(claims) === null && mayKnow(asked, claims);
    return { claims: known ? claims : null, headers: asked.headers };
  };
  return {
    introspect: async (request) => {
      requireNews();
      // Without a wait for a token that is remembered, as most are.
      return ask(request, (asked) => {
        const remembered = tokens.recall(`Bearer ${asked.token}`);
        if (remembered !== undefined) return tellOf(remembered, asked);
        return tokens.read(asked.token).then((claims) => tellOf(claims, asked));
      });
    },
  };
}
