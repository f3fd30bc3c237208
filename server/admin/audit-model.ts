import { type Static, t } from 'elysia';
import { instant, moment } from '../../kit/http/schemas';
import { AuditView } from '../audit/model';
import { Cursor, PageLimit } from './model';

const word = (description: string, max: number) =>
  t.Optional(
    t.String({ pattern: `^[!-~]{0,${max}}$`, description, error: `must be at most ${max} characters without spaces` }),
  );

// Where nothing was asked the framework would put the first word of an enumeration, hence the undefined defaults.
const FILTER = {
  client: word('The client that it is about.', 128),
  event: word('What happened, such as `client_authentication`.', 64),
  outcome: t.Optional(
    t.UnionEnum(['success', 'failure'], {
      default: undefined,
      description: 'How it went.',
      error: 'must be success or failure',
    }),
  ),
  request_id: word('`X-Request-Id` of an answer.', 128),
  from: t.Optional(instant('From then on.')),
  to: t.Optional(instant('Before then.')),
};

const Filter = t.Object(FILTER);

/** Which events are asked for. */
export type AuditFilterQuery = Static<typeof Filter>;

/** One page of events. */
export const AuditQuery = t.Object({ ...FILTER, cursor: Cursor, limit: PageLimit });

/** All events that match, as a file. */
export const AuditExportQuery = t.Object({
  ...FILTER,
  format: t.Optional(
    t.UnionEnum(['csv', 'ndjson'], {
      default: undefined,
      description: '`ndjson` when left out.',
      error: 'must be csv or ndjson',
    }),
  ),
});

/** A page of events, newest first. */
export const AuditList = t.Object({
  items: t.Array(AuditView),
  next_cursor: t.Union([t.String(), t.Null()]),
});

/** A page of events. */
export type AuditList = Static<typeof AuditList>;

/** A head that was kept: both or neither. */
export const AuditVerifyQuery = t.Object({
  seq: t.Optional(
    t.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Number of an event that was the last one once.',
      error: 'must be the number of an event',
    }),
  ),
  hash: t.Optional(
    t.String({ pattern: '^[0-9a-f]{64}$', description: 'Its hash.', error: 'must be 64 hexadecimal digits' }),
  ),
});

/** A head that was kept. */
export type AuditVerifyQuery = Static<typeof AuditVerifyQuery>;

const seqOrNull = (description: string) => t.Union([t.Integer(), t.Null()], { description });

/** What a check of the whole trail found. */
export const AuditVerdict = t.Object({
  ok: t.Boolean({ description: 'True: the trail holds, and it tells of no finding that is not acknowledged.' }),
  events: t.Integer({ description: 'Events that hold, up to the fault.' }),
  first_seq: seqOrNull('The first event that there should be; null: none.'),
  last_seq: seqOrNull('The last one.'),
  head: t.Object(
    { seq: t.Integer(), hash: t.String() },
    { description: 'The end of the trail, to be written down elsewhere and compared with later.' },
  ),
  fault: t.Union([t.Object({ seq: seqOrNull('Where it shows.'), what: t.String() }), t.Null()]),
  findings: t.Array(
    t.Object({
      seq: t.Integer({ description: 'The event that tells of it.' }),
      at: moment('When it was found.'),
      reason: t.String({ examples: ['chain_set_back'] }),
      what: t.String(),
      acknowledged: t.Boolean({ description: 'True: the administrator has said that he knows of it.' }),
    }),
    { description: 'What servers found wrong with the trail before, as it tells itself.' },
  ),
});

/** What a check of the whole trail found. */
export type AuditVerdict = Static<typeof AuditVerdict>;
