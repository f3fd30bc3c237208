import { TokenError, type TokenSource } from '../auth/token';

/** What {@link enrolled} needs. */
export interface EnrolmentDeps {
  /** True when the server has confirmed the registration before. */
  readonly registered: boolean;
  /** Registers the credential and keeps that it did. Rejects with `TokenError`. */
  readonly enrol: () => Promise<void>;
}

/**
 * A source for a self-made credential: it is registered before its first token, and once more should the server have
 * forgotten it. If it is refused even then, that stands until some token has been granted again.
 */
export function enrolled(source: TokenSource, { registered, enrol }: EnrolmentDeps): TokenSource {
  let known = registered;
  let mended = false;
  const ensure = async (): Promise<void> => {
    if (known) return;
    await enrol();
    known = true;
  };
  const granted = async () => {
    const token = await source.token();
    mended = false;
    return token;
  };
  return {
    async token() {
      const wasKnown = known;
      await ensure();
      try {
        return await granted();
      } catch (error) {
        if (!wasKnown || mended || !isForgotten(error)) throw error;
        mended = true;
        await enrol();
        return granted();
      }
    },
  };
}

function isForgotten(error: unknown): boolean {
  return error instanceof TokenError && error.trouble.kind === 'refused' && error.trouble.error === 'invalid_client';
}
