import { type Static, t } from 'elysia';
import { nullable } from '../../kit/http/schemas';
import { iso } from '../credentials/view';
import type { ServerHealth } from './member';

const moment = nullable(t.String({ format: 'date-time' }));

/** How one of the servers is. */
export const ServerStatus = t.Object({
  url: t.String({ examples: ['http://localhost:8000'] }),
  state: t.UnionEnum(['ok', 'away', 'refused', 'unknown'], {
    default: undefined,
    description:
      '`away`: its last call had no usable answer. `refused`: its metadata name another issuer. `unknown`: it was not asked yet.',
  }),
  circuit: t.UnionEnum(['closed', 'open', 'half_open'], {
    default: undefined,
    description: '`open`: it is asked only when no other one answers. `half_open`: it is being asked how it is.',
  }),
  latency_ms: nullable(t.Number({ description: 'How long its answers take of late.' })),
  in_flight: t.Integer(),
  last_ok_at: moment,
  last_error: nullable(t.String()),
  next_attempt_at: moment,
});

/** How one of the servers is. */
export type ServerStatus = Static<typeof ServerStatus>;

/** The same in the words of the API. */
export function serverStatus(health: ServerHealth): ServerStatus {
  const { url, state, circuit, latencyMs, inFlight, lastOkAtMs, lastError, nextAttemptAtMs } = health;
  return {
    url,
    state,
    circuit,
    latency_ms: latencyMs === null ? null : Math.round(latencyMs * 10) / 10,
    in_flight: inFlight,
    last_ok_at: iso(lastOkAtMs),
    last_error: lastError,
    next_attempt_at: iso(nextAttemptAtMs),
  };
}
