import { type Static, t } from 'elysia';
import { moment, nullable } from '../../kit/http/schemas';
import { removedAt, stateOf, type TimedKey } from './key-schedule';

/** A signing key as its operator sees it. Times may be ahead. */
export const KeyView = t.Object({
  kid: t.String(),
  alg: t.String(),
  state: t.UnionEnum(['next', 'active', 'retiring', 'revoked']),
  created_at: moment('When it was made.'),
  active_from: moment('From then on it signs.'),
  retired_at: nullable(moment('From then on it signs no more. Null: the key that follows is not made yet.')),
  removed_at: nullable(moment('From then on it is known no more. Null: it is not known yet when it retires.')),
  revoked_at: nullable(moment('Since then its tokens are dead.')),
});

/** A signing key as its operator sees it. */
export type KeyView = Static<typeof KeyView>;

/** A key at this moment (milliseconds since the epoch). */
export function viewKey(key: TimedKey, nowMs: number): KeyView {
  return {
    kid: key.kid,
    alg: key.alg,
    state: stateOf(key, nowMs),
    created_at: key.createdAt.toISOString(),
    active_from: key.activeFrom.toISOString(),
    retired_at: retiredAt(key)?.toISOString() ?? null,
    removed_at: removedAt(key)?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}

/** A revoked key signs no more, whatever was planned for it. */
function retiredAt({ retiredAt: planned, revokedAt }: TimedKey): Date | null {
  return revokedAt === null || (planned !== null && planned < revokedAt) ? planned : revokedAt;
}
