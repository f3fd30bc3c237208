import { type Static, t } from 'elysia';
import { removedAt, stateOf, type TimedKey } from './key-schedule';

const Moment = t.String({ format: 'date-time' });
const MomentOrNull = t.Union([Moment, t.Null()]);

/** A signing key as its operator sees it. Times may be ahead. */
export const KeyView = t.Object({
  kid: t.String(),
  alg: t.String(),
  state: t.UnionEnum(['next', 'active', 'retiring', 'revoked']),
  created_at: Moment,
  active_from: Moment,
  retired_at: MomentOrNull,
  removed_at: MomentOrNull,
  revoked_at: MomentOrNull,
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
    retired_at: key.retiredAt?.toISOString() ?? null,
    removed_at: removedAt(key)?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}
