import { createHash } from 'node:crypto';
import { compactVerify, type JWK } from 'jose';
import { type Assertion, readAssertion } from '../oauth/assertion';
import { OAuthError } from '../oauth/errors';
import { CLIENT_KEYS_MAX, type GivenJwk } from '../oauth/jwk';
import { candidateKeys, createKeyImport, decoyKey } from './assertion-keys';
import type { JwksSource } from './jwks-source';
import type { AssertionStore } from './store';

/** What an assertion is checked with: the public keys of its client, or where they are. */
export interface KeyHolder {
  readonly jwks: { readonly keys: readonly GivenJwk[] } | null;
  readonly jwksUri: string | null;
}

/** Checks client assertions (RFC 7523 §3). */
export interface AssertionCheck {
  /** Reads it and checks all that needs no key. @throws OAuthError invalid_client. */
  read(jwt: string, clientId: string | null): Assertion;
  /**
   * Checks the signature; with null, of a client that is not there, it does the work and refuses.
   * @throws OAuthError invalid_client `assertion_signature`, `assertion_key_…`, `jwks_unavailable`.
   */
  verify(jwt: string, assertion: Assertion, holder: KeyHolder | null): Promise<void>;
  /** Takes note of the assertion, so that nobody can use it again. @throws OAuthError invalid_client `assertion_replayed`. */
  use(assertion: Assertion): Promise<void>;
  /** Drops the ids of assertions that have ended; to be called now and then. */
  prune(): Promise<void>;
}

/** What the check stands on. */
export interface AssertionCheckOptions {
  readonly issuer: string;
  readonly store: AssertionStore;
  readonly source: JwksSource;
  readonly now: () => number;
  /** The clock that all servers share (milliseconds since the epoch): by it is forgotten what has ended. */
  readonly calendar: () => Promise<number>;
}

/** An id is kept a minute longer than its assertion lives: the clock of another server may be behind. */
const PRUNE_LATER_MS = 60_000;

/** The check of `private_key_jwt`. */
export function createAssertionCheck({ issuer, store, source, now, calendar }: AssertionCheckOptions): AssertionCheck {
  const importKey = createKeyImport();

  const isSignedBy = async (jwt: string, alg: Assertion['alg'], keys: readonly JWK[]): Promise<boolean> => {
    for (const key of keys) {
      const imported = await importKey(key, alg);
      if (imported === null) continue;
      const verified = await compactVerify(jwt, imported, { algorithms: [alg] }).catch(() => null);
      if (verified !== null) return true;
    }
    return false;
  };
  const attempt = async (jwt: string, { alg, kid }: Assertion, keys: readonly GivenJwk[]): Promise<Outcome> => {
    const candidates = candidateKeys(keys, alg, kid);
    // Without a key the work is done all the same: which keys a client has is nobody's business.
    const tried = candidates.length === 0 ? [decoyKey(alg)] : candidates.slice(0, CLIENT_KEYS_MAX);
    const signed = await isSignedBy(jwt, alg, tried);
    if (candidates.length === 0) return 'assertion_key_unknown';
    if (signed) return 'signed';
    return tried.length < candidates.length ? 'assertion_key_ambiguous' : 'assertion_signature';
  };
  const check = async (jwt: string, assertion: Assertion, { jwks, jwksUri }: KeyHolder): Promise<Outcome> => {
    if (jwksUri === null) return attempt(jwt, assertion, jwks?.keys ?? []);
    const { clientId } = assertion;
    const known = await source.keys(clientId, jwksUri);
    if (known === null) return 'jwks_unavailable';
    const outcome = await attempt(jwt, assertion, known);
    // A key that was replaced without a new kid shows as a wrong signature.
    const mayBeNewer = outcome === 'assertion_key_unknown' || (outcome !== 'signed' && assertion.kid === null);
    if (!mayBeNewer) return outcome;
    const fresh = await source.refetch(clientId, jwksUri, known);
    return fresh === null ? outcome : attempt(jwt, assertion, fresh);
  };

  return {
    read: (jwt, clientId) => readAssertion(jwt, { issuer, clientId, nowMs: now() }),
    verify: async (jwt, assertion, holder) => {
      const outcome = await check(jwt, assertion, holder ?? NOBODY);
      if (outcome !== 'signed') throw new OAuthError('invalid_client', outcome, { clientId: assertion.clientId });
    },
    use: async (assertion) => {
      if (!(await store.use(replayId(assertion), new Date(assertion.endsAtMs))))
        throw new OAuthError('invalid_client', 'assertion_replayed', { clientId: assertion.clientId });
    },
    prune: async () => store.prune(new Date((await calendar()) - PRUNE_LATER_MS)),
  };
}

/** Ambiguous: the place of keys holds more than are tried, and the assertion does not say which one. */
type Outcome =
  | 'signed'
  | 'assertion_signature'
  | 'assertion_key_unknown'
  | 'assertion_key_ambiguous'
  | 'jwks_unavailable';

/** A client without keys. */
const NOBODY: KeyHolder = { jwks: null, jwksUri: null };

/** Lengths in front, so that no other pair of texts gives the same. */
function replayId({ clientId, jti }: Assertion): string {
  return createHash('sha256').update(`${clientId.length}:${clientId}${jti.length}:${jti}`).digest('base64url');
}
