import { createAssertions } from '../auth/assertion';
import type { Proof } from '../auth/client-credentials';
import { thumbprint } from '../auth/keys';
import { type AccessToken, TokenError, type TokenSource } from '../auth/token';
import type { Clock, RandomBytes } from '../ports';
import type { TokenParts } from './kept-token';
import type { StoredCredential } from './stored';

/** By what a token was asked for. */
export type ProofKind = TokenParts['proof'];

/** What a credential shows to get tokens: its key, or its secrets. */
export interface Proofs {
  /** Best first; with `only`, that secret alone. */
  all(only: string | null): readonly Proof[];
  /** What a token may have been granted by. */
  kinds(): readonly ProofKind[];
  /** What the last token was granted by. */
  last(): ProofKind;
  /** Whether this source gives a token, which is handed over; false when the server refuses the client. Rejects with `TokenError`. */
  prove(source: TokenSource, adopt: (token: AccessToken) => void): Promise<boolean>;
}

/** What {@link createProofs} needs. */
export interface ProofsDeps {
  readonly read: () => StoredCredential;
  /** The same, read anew: another process may have changed the secret. */
  readonly fresh: () => StoredCredential;
  /** Told when a token was granted by this secret. */
  readonly worked: (secret: string) => void;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
}

/** The proofs of one credential. */
export function createProofs(deps: ProofsDeps): Proofs {
  const { read, fresh, worked } = deps;
  const { key } = read();
  const assertions = key === null ? null : createAssertions({ ...deps, key });
  const byKey: ProofKind | null = key === null ? null : { kind: 'key', value: thumbprint(key.jwk) };
  let last: ProofKind | null = null;
  /** The secret that worked last goes first: each one that is refused counts as a failed attempt. */
  const secrets = (stored = read()): readonly string[] => {
    const rank = ({ value, worked }: { value: string; worked: boolean }): number =>
      last?.value === value ? 2 : Number(worked);
    return [...stored.secrets].sort((a, b) => rank(b) - rank(a)).map(({ value }) => value);
  };
  const bySecret = (secret: string): Proof => ({
    authenticate: async () => ({ kind: 'secret', clientId: read().clientId ?? '', clientSecret: secret }),
    worked() {
      last = { kind: 'secret', value: secret };
      worked(secret);
    },
  });
  const byAssertion = (): Proof => ({
    async authenticate(issuer) {
      if (assertions === null) throw new Error('there is no key');
      const clientId = read().clientId ?? '';
      return { kind: 'assertion', clientId, assertion: await assertions(clientId, issuer) };
    },
    worked() {
      last = byKey;
    },
  });
  return {
    all: (only) =>
      byKey !== null ? [byAssertion()] : only === null ? secrets(fresh()).map(bySecret) : [bySecret(only)],
    kinds: () => (byKey === null ? secrets().map((value) => ({ kind: 'secret', value })) : [byKey]),
    last: () => last ?? byKey ?? { kind: 'secret', value: secrets()[0] ?? '' },
    async prove(source, adopt) {
      try {
        adopt(await source.token());
        return true;
      } catch (error) {
        const isRefused =
          error instanceof TokenError && error.trouble.kind === 'refused' && error.trouble.error === 'invalid_client';
        if (isRefused) return false;
        throw error;
      }
    },
  };
}
