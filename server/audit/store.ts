import { and, asc, desc, eq, exists, gt, gte, inArray, lt, lte, max, min, or, type SQL, sql } from 'drizzle-orm';
import { call, type Rows } from '../../db/rows';
import { auditChain, auditEvents, clients, deletedClients, market, signingKeys } from '../../db/schema';
import { type AuditRecord, BROKEN_MAC, type ChainEnds, type Extension, type Head } from './chain';
import { FINDING_EVENTS } from './findings';

/** Which events are asked for; null: whatever. Times are from `from` on, and before `to`. */
export interface AuditFilter {
  readonly client: string | null;
  readonly event: string | null;
  readonly outcome: 'success' | 'failure' | null;
  readonly requestId: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
}

/** What is there: the ends as their row says, and the first and last event that there are (null: none). */
export interface Extent {
  readonly ends: ChainEnds;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** The last event but those that somebody has put so far away that no numbers are left behind them. */
  readonly nearSeq: number | null;
  /** Hashes of the events that were asked for by number, as far as they are there. */
  readonly hashes: ReadonlyMap<number, string>;
}

/** No trail gets so far: an event beyond was put there to leave no place for others. */
export const FAR_SEQ = 2 ** 52;

/** Rows of the audit trail. What changes the chain holds its row locked, so that replicas write one after another. */
export interface AuditStore {
  /**
   * Writes what `build` makes of what is there. `perhaps` is the last event of an attempt
   * whose outcome is unknown: when it is there nothing is written again. `known` is asked for by its number.
   */
  extend(build: (extent: Extent) => Extension, perhaps: Head | null, known: Head): Promise<void>;
  /** Deletes the oldest up to the pruned end that `decide` makes of the ends and at most `limit` oldest events; null: nothing. */
  prune(decide: (ends: ChainEnds, oldest: readonly AuditRecord[]) => ChainEnds | null, limit: number): Promise<boolean>;
  /** Replaces the ends by what `change` makes of what is there; null: nothing. */
  seal(change: (extent: Extent) => ChainEnds | null): Promise<void>;
  /** What is there at one moment, with the hashes of these events. */
  extent(seqs: readonly number[]): Promise<Extent>;
  /** Oldest first, after `seq` and up to `until`. */
  after(seq: number, until: number, limit: number, filter?: AuditFilter): Promise<readonly AuditRecord[]>;
  /** Newest first, before `seq` (null: from the end). */
  before(seq: number | null, limit: number, filter: AuditFilter): Promise<readonly AuditRecord[]>;
  /** The findings in the trail and their acknowledgements, oldest first. */
  findings(): Promise<readonly AuditRecord[]>;
  /** True when the database shows that a server has worked on it before. */
  isInUse(): Promise<boolean>;
}

type Selecting = Pick<Rows, 'select'>;
type Writer = Pick<Rows, 'select' | 'insert' | 'update' | 'delete'>;

/** The audit trail in the database. */
export function createAuditStore(rows: Rows): AuditStore {
  return {
    extend: (build, perhaps, known) =>
      rows.transaction(async (tx) => {
        const ends = await lockEnds(tx);
        if (perhaps !== null && (await hashesOf(tx, [perhaps.seq])).get(perhaps.seq) === perhaps.hash) return;
        const extension = build(await extentOf(tx, ends, [known.seq]));
        await tx.insert(auditEvents).values(extension.records.map((record) => ({ ...record })));
        await tx.update(auditChain).set(extension.ends);
      }),
    prune: (decide, limit) =>
      rows.transaction(async (tx) => {
        const ends = await lockEnds(tx);
        const moved = decide(ends, await tx.select().from(auditEvents).orderBy(asc(auditEvents.seq)).limit(limit));
        if (moved === null) return false;
        await tx.delete(auditEvents).where(lte(auditEvents.seq, moved.prunedSeq));
        await tx.update(auditChain).set(moved);
        return true;
      }),
    seal: (change) =>
      rows.transaction(async (tx) => {
        const changed = change(await extentOf(tx, await lockEnds(tx), []));
        if (changed !== null) await tx.update(auditChain).set(changed);
      }),
    extent: (seqs) =>
      // One snapshot, so that the ends and the events are of the same moment.
      rows.transaction(
        async (tx) => extentOf(tx, (await readEnds(tx.select(ENDS).from(auditChain))) ?? NO_ENDS, seqs),
        { isolationLevel: 'repeatable read', accessMode: 'read only' },
      ),
    after: (seq, until, limit, filter) =>
      rows
        .select()
        .from(auditEvents)
        .where(and(gt(auditEvents.seq, seq), lte(auditEvents.seq, until), ...(filter ? conditions(filter) : [])))
        .orderBy(asc(auditEvents.seq))
        .limit(limit),
    before: (seq, limit, filter) =>
      rows
        .select()
        .from(auditEvents)
        .where(and(seq === null ? undefined : lt(auditEvents.seq, seq), ...conditions(filter)))
        .orderBy(desc(auditEvents.seq))
        .limit(limit),
    findings: () =>
      rows
        .select()
        .from(auditEvents)
        .where(inArray(auditEvents.event, [...FINDING_EVENTS]))
        .orderBy(asc(auditEvents.seq)),
    isInUse: () => {
      const work = [
        rows.select().from(clients),
        rows.select().from(deletedClients),
        rows.select().from(signingKeys),
        rows.select().from(market).where(gt(market.seq, 0)),
      ];
      return call(rows, sql<boolean>`${or(...work.map(exists))}`);
    },
  };
}

const ENDS = {
  prunedSeq: auditChain.prunedSeq,
  prunedHash: auditChain.prunedHash,
  lastSeq: auditChain.lastSeq,
  lastHash: auditChain.lastHash,
  mac: auditChain.mac,
};

/** The row of the ends is made by the migration; where it is gone, somebody took it. */
const NO_ENDS: ChainEnds = { prunedSeq: 0, prunedHash: '', lastSeq: 0, lastHash: '', mac: BROKEN_MAC };

async function lockEnds(tx: Writer): Promise<ChainEnds> {
  const lock = () => readEnds(tx.select(ENDS).from(auditChain).for('update'));
  const ends = await lock();
  if (ends !== null) return ends;
  await tx
    .insert(auditChain)
    .values({ id: 1, ...NO_ENDS })
    .onConflictDoNothing();
  return (await lock()) ?? NO_ENDS;
}

async function readEnds(query: PromiseLike<ChainEnds[]>): Promise<ChainEnds | null> {
  const [ends] = await query;
  return ends === undefined ? null : { ...ends, prunedSeq: exact(ends.prunedSeq), lastSeq: exact(ends.lastSeq) };
}

/** The column holds more than a number can count; what is beyond was never ours, and would not be taken back. */
function exact(seq: number): number {
  return Math.min(seq, Number.MAX_SAFE_INTEGER);
}

function exactOrNull(seq: number | null | undefined): number | null {
  return typeof seq === 'number' ? exact(seq) : null;
}

async function extentOf(from: Selecting, ends: ChainEnds, seqs: readonly number[]): Promise<Extent> {
  const bounds = async (where?: SQL): Promise<{ firstSeq: number | null; lastSeq: number | null }> => {
    const { seq } = auditEvents;
    const [found] = await from
      .select({ first: min(seq), last: max(seq) })
      .from(auditEvents)
      .where(where);
    return { firstSeq: exactOrNull(found?.first), lastSeq: exactOrNull(found?.last) };
  };
  const { firstSeq, lastSeq } = await bounds();
  const isFar = lastSeq !== null && lastSeq > FAR_SEQ;
  const nearSeq = isFar ? (await bounds(lte(auditEvents.seq, FAR_SEQ))).lastSeq : lastSeq;
  return { ends, firstSeq, lastSeq, nearSeq, hashes: await hashesOf(from, seqs) };
}

async function hashesOf(from: Selecting, seqs: readonly number[]): Promise<ReadonlyMap<number, string>> {
  if (seqs.length === 0) return new Map();
  const { seq, hash } = auditEvents;
  const found = await from
    .select({ seq, hash })
    .from(auditEvents)
    .where(inArray(seq, [...seqs]));
  return new Map(found.map((event) => [event.seq, event.hash]));
}

function conditions({ client, event, outcome, requestId, from, to }: AuditFilter): (SQL | undefined)[] {
  return [
    client === null ? undefined : eq(auditEvents.clientId, client),
    event === null ? undefined : eq(auditEvents.event, event),
    outcome === null ? undefined : eq(auditEvents.outcome, outcome),
    requestId === null ? undefined : concerns(requestId),
    from === null ? undefined : gte(auditEvents.at, from),
    to === null ? undefined : lt(auditEvents.at, to),
  ];
}

/** An event of this request, or gathered failures that it was among; each half has an index. */
function concerns(requestId: string): SQL | undefined {
  const listed = sql`(${auditEvents.details} -> 'request_ids') @> ${JSON.stringify([requestId])}::jsonb`;
  return or(eq(auditEvents.requestId, requestId), listed);
}
