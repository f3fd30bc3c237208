/** Revocation of one token (RFC 7009), by its client or the administrator. */
import { OAuthError } from '../oauth/errors';
import { type AboutOptions, type AboutRequest, createAsk } from './about';
import type { AccessTokens } from './access';
import type { Revocations } from './revocations';

/** Takes tokens back. */
export interface Revocation {
  /**
   * Afterwards the token is dead: here already, on other servers within a second. A token that is unknown or has ended
   * needs nothing done (RFC 7009 §2.2). @returns headers for the answer, null: none.
   * @throws OAuthError invalid_request, invalid_client, unauthorized_client for another client's token (§2.1); Problem 429, 503
   */
  revoke(request: AboutRequest): Promise<Readonly<Record<string, string>> | null>;
}

/** What the service stands on. */
export interface RevocationOptions extends AboutOptions {
  readonly tokens: AccessTokens;
  readonly revocations: Pick<Revocations, 'add'>;
}

/** The revocation service. */
export function createRevocation(options: RevocationOptions): Revocation {
  const { tokens, revocations } = options;
  const ask = createAsk(options);
  return {
    revoke: (request) =>
      ask(request, async ({ token, client, actor, headers }) => {
        const claims = await tokens.read(token);
        if (typeof claims === 'string') return headers;
        const { clientId, jti } = claims;
        if (client !== null && client.clientId !== clientId)
          throw new OAuthError('unauthorized_client', 'token_of_another_client');
        // One that is dead by other means would only leave a row behind; that it has ended, the clock of another server may not say.
        const end = tokens.endOf(claims);
        if (end !== null && end !== 'token_expired') return headers;
        if (!(await revocations.add(jti, claims.expiresAt))) return headers;
        await request.tell({ event: 'token_revoked', outcome: 'success', actor, clientId, details: { jti } });
        return headers;
      }),
  };
}
