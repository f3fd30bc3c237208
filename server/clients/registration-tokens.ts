import { notFound } from '../../kit/http/problem';
import type { RegistrationTokenView } from './registration-model';
import type { RegistrationTokenRow, RegistrationTokenStore } from './registration-token-store';
import { digestSecret, isMadeSecret, lastFour, makeSecret } from './secret-format';

/** What an initial access token is given along. */
export interface NewRegistrationToken {
  /** What people call it; may be empty. */
  readonly label: string;
  readonly expiresInSeconds: number;
  /** Clients that may be registered with it; null: any number. */
  readonly uses: number | null;
}

/** Initial access tokens (RFC 7591 §3): with one, a client may be registered where that is reserved to the administrator. */
export interface RegistrationTokens {
  /** @returns the token, shown this once, and what it is listed as. */
  create(input: NewRegistrationToken): Promise<{ registrationToken: string; view: RegistrationTokenView }>;
  list(): Promise<RegistrationTokenView[]>;
  /** @throws Problem 404 when there is no such token. */
  remove(id: number): Promise<void>;
  /** The number of the token if it can be used now, or null. */
  find(token: string): Promise<number | null>;
  /** Drops those that ended long ago; to be called now and then. */
  prune(): Promise<void>;
}

/** Ended ones stay on the list for a month, so that one can see what became of them. */
const ENDED_KEPT_MS = 30 * 86_400_000;

/** The initial access tokens of this server. */
export function createRegistrationTokens(options: {
  readonly store: RegistrationTokenStore;
  readonly now: () => number;
  /** The clock that all servers share (milliseconds since the epoch): by it is destroyed what has ended. */
  readonly calendar: () => Promise<number>;
  readonly randomBytes: (n: number) => Buffer;
}): RegistrationTokens {
  const { store, now, calendar, randomBytes } = options;
  const hashOf = (token: string): string => digestSecret(token).toString('base64url');
  return {
    create: async ({ label, expiresInSeconds, uses }) => {
      const registrationToken = makeSecret('rt', randomBytes);
      const row = await store.insert({
        hash: hashOf(registrationToken),
        label,
        hint: lastFour(registrationToken),
        usesLeft: uses,
        createdAt: new Date(now()),
        expiresAt: new Date(now() + expiresInSeconds * 1_000),
      });
      return { registrationToken, view: viewOf(row, now()) };
    },
    list: async () => (await store.list()).map((row) => viewOf(row, now())),
    remove: async (id) => {
      if (!(await store.remove(id))) throw notFound('There is no such registration token.');
    },
    find: async (token) => (isMadeSecret('rt', token) ? store.find(hashOf(token), new Date(now())) : null),
    prune: async () => store.pruneEnded(new Date((await calendar()) - ENDED_KEPT_MS)),
  };
}

function viewOf(row: RegistrationTokenRow, nowMs: number): RegistrationTokenView {
  const { id, label, hint, usesLeft, expiresAt, lastUsedAt, createdAt } = row;
  return {
    id,
    label,
    hint,
    state: expiresAt.getTime() > nowMs && usesLeft !== 0 ? 'live' : 'ended',
    uses_left: usesLeft,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}
