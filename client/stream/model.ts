import { type Static, t } from 'elysia';
import { nullable } from '../../kit/http/schemas';
import { RateModel } from '../rates/model';

const moment = t.String({ format: 'date-time' });
const Seq = nullable(
  t.Integer({ description: 'Number of the tick; null where the server does not say.', examples: [1042] }),
);

/** How the connection to the rates is. */
export const StreamStatus = t.Object({
  state: t.UnionEnum(['starting', 'live', 'reconnecting', 'stale', 'offline', 'refused'], {
    default: undefined,
    description:
      '`live`: rates come. `reconnecting`: the connection is lost, the rates are still fresh. `stale`: they are old by now. `offline`: there are none that may be shown. `refused`: the server turns this client away.',
  }),
  transport: nullable(t.UnionEnum(['websocket', 'events', 'polling'], { default: undefined })),
  seq: Seq,
  since: nullable(moment),
  next_attempt_at: nullable(moment),
  last_error: nullable(t.String()),
  data_age_seconds: nullable(t.Integer({ description: 'Since the rates were last known to be the current ones.' })),
});

/** How the connection to the rates is. */
export type StreamStatus = Static<typeof StreamStatus>;

/** Rates as `/api/events` brings them. */
export const RatesEvent = t.Object({
  type: t.UnionEnum(['snapshot', 'update'], { default: undefined }),
  from_seq: t.Optional(Seq),
  seq: Seq,
  rates: t.Array(RateModel),
  at: moment,
});

/** Rates as `/api/events` brings them: all of them (`snapshot`), or those that changed (`update`). */
export type RatesEvent = Static<typeof RatesEvent>;
