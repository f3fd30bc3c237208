/** What lets a connection go on after the request that opened it: its token, or one that took its place. */
import type { Tell } from '../oauth/event';
import type { Reason } from '../oauth/words';
import type { AccessTokens } from './access';
import type { AccessClaims, Binding } from './model';

/** The right to go on, as long as a token is in force. */
export interface Lease {
  readonly clientId: string;
  /** When the token ends by itself, in milliseconds since the epoch. */
  readonly endsMs: number;
  /** True once the token has ended or is revoked, its client disabled or its key revoked. */
  isOver(): boolean;
  /** The lease under another token: of the same client, for the same, bound to the same. Null when it is none. */
  renew(token: string): Promise<Lease | null>;
}

/** The lease under a token that a guard has admitted. */
export type Leases = (claims: AccessClaims) => Lease;

/** What leases are told of the resource, and what they ask. */
export interface LeasesOptions {
  readonly tokens: Pick<AccessTokens, 'read' | 'endOf'>;
  readonly audience: string;
  readonly scope: string;
  readonly tell: Tell;
}

/** Leases of one resource and one scope. Possession was proved when the connection was opened, of what the token is bound to. */
export function createLeases({ tokens, audience, scope, tell }: LeasesOptions): Leases {
  const faultOf = (claims: AccessClaims, held: AccessClaims): Reason | null => {
    const end = tokens.endOf(claims);
    if (end !== null) return end;
    if (claims.audience !== audience) return 'token_audience_other';
    if (!claims.scopes.includes(scope)) return 'scope_missing';
    if (claims.clientId !== held.clientId) return 'token_of_another_client';
    return isSame(claims.binding, held.binding) ? null : 'token_binding_other';
  };
  const leases: Leases = (held) => ({
    clientId: held.clientId,
    endsMs: held.expiresAt * 1000,
    isOver: () => tokens.endOf(held) !== null,
    renew: async (token) => {
      const read = await tokens.read(token);
      const judged = typeof read === 'string' ? read : (faultOf(read, held) ?? read);
      if (typeof judged !== 'string') return leases(judged);
      void tell({ event: 'resource_access', outcome: 'failure', reason: judged, clientId: held.clientId }, null);
      return null;
    },
  });
  return leases;
}

function isSame(one: Binding | null, other: Binding | null): boolean {
  return one?.jkt === other?.jkt && one?.certificate === other?.certificate;
}
