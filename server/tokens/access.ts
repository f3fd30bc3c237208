/** Our own access tokens, read back: verified once, remembered, and judged anew on each use. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Keyring } from './keys';
import { type AccessClaims, readClaims } from './model';
import { longestToken } from './size';

/** Why a token is not one of ours: the exact reason, for the operator. */
export type TokenFault = 'token_malformed' | 'key_unknown' | 'token_not_valid_here';

/** Why a token of ours is no longer good. */
export type TokenEnd = 'token_expired' | 'token_revoked' | 'key_revoked' | 'client_disabled';

/** How often a token was `remembered`, `verified` anew, or `refused` because it is none of ours. */
export type TokenReadings = Readonly<Record<'remembered' | 'verified' | 'refused', number>>;

/** Reads access tokens for everybody who is shown one. */
export interface AccessTokens {
  /** The claims of a token that was verified before, by the `Authorization` value `Bearer <token>`. */
  recall(authorization: string): AccessClaims | undefined;
  /** How many are remembered. */
  remembered(): number;
  /** How often a token was read so far, by how that went. */
  readings(): TokenReadings;
  /** The claims of a token that one of our keys signed, in force or not and whatever it is for; or why it is none. */
  read(token: string): Promise<AccessClaims | TokenFault>;
  /** Null while the token is in force. Costs little, and is asked on every use. */
  endOf(claims: AccessClaims): TokenEnd | null;
}

/** What reading stands on. */
export interface AccessTokensOptions {
  readonly keyring: Pick<Keyring, 'verify'> & { isLive(kid: string): boolean };
  readonly clients: { isCurrent(clientId: string, epoch: number): boolean };
  readonly revocations: { has(jti: string): boolean };
  readonly issuer: string;
  readonly now: () => number;
}

/** Tokens remembered, in characters of token: some ten thousand. A token is about 600 characters. */
const REMEMBERED_CHARACTERS_MAX = 8 * 1024 * 1024;

/**
 * The signature of the very same token is verified once: the same bytes under the same keys cannot come out differently.
 * All that can change (time, revocation of token, client or key) is for `endOf` to say.
 */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { keyring, clients, revocations, issuer, now } = options;
  const charactersMax = longestToken(issuer);
  const remembered = createTokenMemory(REMEMBERED_CHARACTERS_MAX);

  const endOf = (claims: AccessClaims): TokenEnd | null => {
    if (claims.expiresAt * 1000 <= now()) return 'token_expired';
    if (!clients.isCurrent(claims.clientId, claims.epoch)) return 'client_disabled';
    if (!keyring.isLive(claims.kid)) return 'key_revoked';
    return revocations.has(claims.jti) ? 'token_revoked' : null;
  };
  const verify = async (token: string, authorization: string): Promise<AccessClaims | TokenFault> => {
    const unverified = token.length > charactersMax ? null : decode(token);
    if (unverified === null) return 'token_malformed';
    const { kid, expiresAt } = unverified;
    // One that has ended is verified as of its last second, so that the operator learns that it has ended and no more.
    const nowMs = Math.min(now(), expiresAt * 1000 - 1000);
    const payload = await keyring.verify(token, kid, { issuer, nowMs });
    if (payload === null) return keyring.isLive(kid) ? 'token_not_valid_here' : 'key_unknown';
    const claims = readClaims(payload, kid);
    if (claims === null) return 'token_not_valid_here';
    if (endOf(claims) === null) remembered.add(authorization, claims);
    return claims;
  };
  const readings = { remembered: 0, verified: 0, refused: 0 };
  const recall = (authorization: string): AccessClaims | undefined => {
    const known = remembered.get(authorization);
    if (known !== undefined) readings.remembered += 1;
    return known;
  };
  return {
    recall,
    remembered: remembered.size,
    readings: () => readings,
    endOf,
    read: async (token) => {
      const authorization = `Bearer ${token}`;
      const known = recall(authorization);
      if (known !== undefined) return known;
      const found = await verify(token, authorization);
      readings[typeof found === 'string' ? 'refused' : 'verified'] += 1;
      return found;
    },
  };
}

interface Unverified {
  readonly kid: string;
  readonly expiresAt: number;
}

/** What must be known of a token before it can be verified; null when it does not say. */
function decode(token: string): Unverified | null {
  try {
    const { kid } = decodeProtectedHeader(token);
    const { exp } = decodeJwt(token);
    if (typeof kid !== 'string' || typeof exp !== 'number') return null;
    return { kid, expiresAt: exp };
  } catch {
    return null;
  }
}

/** `Authorization` values with verified tokens, oldest out first, bounded by their length. */
function createTokenMemory(charactersMax: number) {
  const claimsOf = new Map<string, AccessClaims>();
  let characters = 0;
  return {
    size: (): number => claimsOf.size,
    get: (authorization: string): AccessClaims | undefined => claimsOf.get(authorization),
    add: (authorization: string, claims: AccessClaims): void => {
      if (!claimsOf.has(authorization)) characters += authorization.length;
      claimsOf.set(authorization, claims);
      for (const oldest of claimsOf.keys()) {
        if (characters <= charactersMax) return;
        claimsOf.delete(oldest);
        characters -= oldest.length;
      }
    },
  };
}
