import { TokenError, type TokenSource } from '../auth/token';

/** What {@link enrolled} needs. */
export interface EnrolmentDeps {
  readonly clientId: () => string;
  /** True when the server has confirmed the registration before. */
  readonly registered: boolean;
  /** False when registering again would make another client of it. */
  readonly mends: boolean;
  /** Registers the credential and keeps that it did. Rejects with `TokenError`. */
  readonly enrol: () => Promise<void>;
}

/**
 * A source for a self-made credential: it is registered before its first token, and once more should the server have
 * forgotten it. If it is refused even then, that stands until some token has been granted again; it is told as trouble of its own,
 * since the remedy is another one than for a credential that somebody has given.
 */
export function enrolled(source: TokenSource, { clientId, registered, mends, enrol }: EnrolmentDeps): TokenSource {
  let known = registered;
  let mended = false;
  const ensure = async (): Promise<void> => {
    if (known) return;
    await enrol();
    known = true;
  };
  /** A token, or null where the server does not take the credential. */
  const granted = async () => {
    try {
      const token = await source.token();
      mended = false;
      return token;
    } catch (error) {
      if (isRefusal(error)) return null;
      throw error;
    }
  };
  return {
    async token() {
      const mayBeForgotten = known;
      await ensure();
      let token = await granted();
      if (token === null && mayBeForgotten && mends && !mended) {
        mended = true;
        await enrol();
        token = await granted();
      }
      if (token === null) throw new TokenError({ kind: 'own_refused', clientId: clientId() });
      return token;
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof TokenError && error.trouble.kind === 'refused' && error.trouble.error === 'invalid_client';
}
