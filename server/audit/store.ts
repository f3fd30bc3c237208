import { and, asc, desc, eq, gt, gte, lt, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { auditChain, auditEvents } from '../../db/schema';
import { type AuditRecord, BROKEN_MAC, type ChainEnds, type Extension, type Head } from './chain';

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
}

/** Rows of the audit trail. What changes the chain holds its row locked, so that replicas write one after another. */
export interface AuditStore {
  /**
   * Writes what `build` makes of the ends. `perhaps` is the last event of an attempt whose outcome is unknown: when it is
   * there nothing is written again.
   */
  extend(build: (extent: Extent) => Extension, perhaps: Head | null): Promise<void>;
  /** Deletes the oldest up to the pruned end that `decide` makes of the ends and at most `limit` oldest events; null: nothing. */
  prune(decide: (ends: ChainEnds, oldest: readonly AuditRecord[]) => ChainEnds | null, limit: number): Promise<boolean>;
  /** Replaces the ends by what `change` makes of what is there; null: nothing. */
  seal(change: (extent: Extent) => ChainEnds | null): Promise<void>;
  extent(): Promise<Extent>;
  /** Oldest first, after `seq` and up to `until`. */
  after(seq: number, until: number, limit: number, filter?: AuditFilter): Promise<readonly AuditRecord[]>;
  /** Newest first, before `seq` (null: from the end). */
  before(seq: number | null, limit: number, filter: AuditFilter): Promise<readonly AuditRecord[]>;
}

type Writer = Pick<Rows, 'select' | 'insert' | 'update' | 'delete'>;

/** The audit trail in the database. */
export function createAuditStore(rows: Rows): AuditStore {
  return {
    extend: (build, perhaps) =>
      rows.transaction(async (tx) => {
        const ends = await lockEnds(tx);
        if (perhaps !== null && (await isThere(tx, perhaps))) return;
        const extension = build({ ends, ...(await bounds(tx)) });
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
        const changed = change({ ends: await lockEnds(tx), ...(await bounds(tx)) });
        if (changed !== null) await tx.update(auditChain).set(changed);
      }),
    extent: () =>
      // One snapshot, so that the ends and the events are of the same moment.
      rows.transaction(
        async (tx) => ({ ends: (await tx.select(ENDS).from(auditChain))[0] ?? NO_ENDS, ...(await bounds(tx)) }),
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
  const lock = () => tx.select(ENDS).from(auditChain).for('update');
  const [ends] = await lock();
  if (ends !== undefined) return ends;
  await tx
    .insert(auditChain)
    .values({ id: 1, ...NO_ENDS })
    .onConflictDoNothing();
  return (await lock())[0] ?? NO_ENDS;
}

async function bounds(from: Pick<Rows, 'select'>): Promise<Omit<Extent, 'ends'>> {
  const seq = (order: SQL) => from.select({ seq: auditEvents.seq }).from(auditEvents).orderBy(order).limit(1);
  const [first] = await seq(asc(auditEvents.seq));
  const [last] = await seq(desc(auditEvents.seq));
  return { firstSeq: first?.seq ?? null, lastSeq: last?.seq ?? null };
}

async function isThere(tx: Writer, { seq, hash }: Head): Promise<boolean> {
  const found = await tx.select({ hash: auditEvents.hash }).from(auditEvents).where(eq(auditEvents.seq, seq));
  return found[0]?.hash === hash;
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
