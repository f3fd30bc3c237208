import type { Log } from '../../kit/logs';
import { type AuditDraft, type AuditRecord, type Chain, createChain, type Fault, type Head } from './chain';
import { draftOf, lostEvent, type RecordedEvent } from './drafts';
import { type Finding, findingsIn } from './findings';
import { createGather } from './gather';
import { createHeadKeeper, type KeptHead } from './head';
import { type AuditPage, type AuditQuery, readAll, readPage } from './pages';
import { createPruneTrail } from './prune';
import { createQueue } from './queue';
import { createSoundness } from './soundness';
import type { AuditFilter, AuditStore } from './store';
import { createEvery, createTimer } from './timer';
import { type Verdict, verifyTrail } from './verify';
import { createWriter } from './writer';

/** The key of the chain; `made`: it was made at this start, so there can be no trail yet. */
export interface AuditKey {
  readonly secret: Buffer;
  readonly made: boolean;
}

/** How the trail does; cheap, for metrics. */
export interface AuditState {
  readonly queued: number;
  readonly lost: number;
  readonly headSeq: number;
  /** False while something is known to be wrong with it that the administrator has not acknowledged, or that lasts. */
  readonly intact: boolean;
}

/** The audit trail. */
export interface Audit {
  /** To be called once the key is known. Begins to write. */
  open(): Promise<void>;
  /**
   * Keeps the event. A success resolves when it is committed, or after 2 s: it is then still in the log and in the queue.
   * A failure resolves at once, and is gathered with its like. Never rejects.
   */
  record(event: RecordedEvent): Promise<void>;
  /** With what has happened until now. @throws Problem 422 for a cursor that is none of ours. */
  page(query: AuditQuery): Promise<AuditPage>;
  /** All that match until now, oldest first, in batches. */
  export(filter: AuditFilter): AsyncIterable<readonly AuditRecord[]>;
  /** Reads the whole trail; `given` is a head that was written down before. A fault is told as an event, once. */
  verify(given?: Head | null): Promise<Verdict>;
  /** Reads again what the trail tells of faults, and which of them were acknowledged; true when this is one that was not. */
  isStanding(finding: number): Promise<boolean>;
  /** Deletes events beyond the retention, for about a second; what does not hold is kept as it is. */
  prune(): Promise<void>;
  /** Writes what waits; for tests and before an answer that needs it. */
  flush(): Promise<void>;
  state(): AuditState;
  /** Writes what is gathered and what waits, and keeps the head. */
  close(): Promise<void>;
}

/** What the trail stands on. */
export interface AuditOptions {
  readonly store: AuditStore;
  readonly key: () => AuditKey;
  readonly kept: KeptHead;
  readonly retentionMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The clock that all servers share (milliseconds since the epoch): the retention goes by it. */
  readonly calendar: () => Promise<number>;
  /** Milliseconds on a clock that never steps. */
  readonly elapsed: () => number;
  readonly log: Log;
  /** Events that may wait for the database; 10,000 when left out, some megabytes. */
  readonly queueMax?: number;
}

/** How long events wait to be written together. */
const FLUSH_MS = 200;

/** How long whoever has changed something waits for the trail. */
const PATIENCE_MS = 2_000;

/** How often a server that writes nothing looks whether the trail still holds what it knows. */
const LOOK_MS = 60_000;

/** What a trail says first that begins where another one may have been. */
const BEGUN_LATE: Fault = {
  seq: null,
  what: 'The trail begins on a database that was in use: it is an older version that was updated, or the trail was taken away.',
  reason: 'begun_on_a_database_in_use',
};

/** The audit trail over its rows. */
export function createAudit(options: AuditOptions): Audit {
  const { store, key, retentionMs, now, calendar, elapsed, log } = options;
  const parts = createParts(options);
  const { chain, gather, take, queue, writer, soundness, heads, push, readFindings } = parts;
  const look = async (): Promise<void> => {
    await soundness.looked(await writer.look());
    heads.keep();
  };
  const looking = createEvery(LOOK_MS, now);
  const pruneTrail = createPruneTrail({ store, chain, elapsed, log });
  const timer = createTimer(FLUSH_MS, async () => {
    take(false);
    await queue.flush();
    // While the database is away there is nothing to see; that is told of elsewhere.
    if (looking.isDue())
      await readFindings()
        .then(look)
        .catch(() => undefined);
  });
  return {
    open: async () => {
      const inUse = await store.isInUse();
      const late = key().made && inUse;
      // A first start that ended between making the key and sealing has left nothing to be hidden by a seal.
      await writer.open(key().made || !inUse, heads.kept(), await readFindings());
      if (late) await soundness.report(BEGUN_LATE);
      await look();
      heads.say();
      timer.start();
    },
    record: async (event) => {
      const draft = draftOf(event, now());
      const isFailure = draft.outcome === 'failure';
      const written = isFailure ? gather.add(draft) : draft;
      if (written === null) return;
      if (isFailure || !timer.isRunning()) void queue.push(written);
      else await push(written);
    },
    ...createReading(store, parts),
    prune: async () => pruneTrail(new Date((await calendar()) - retentionMs)),
    flush: () => queue.flush(true),
    state: () => ({
      queued: queue.length(),
      lost: queue.lost(),
      headSeq: writer.head().seq,
      intact: soundness.intact(),
    }),
    close: async () => {
      if (!timer.isRunning()) return;
      // A look that is under way may find something, which is then to be written too.
      await timer.stop();
      take(true);
      // Not at once again what has just failed: a stop has no time for a database that is silent.
      await queue.flush();
      if (queue.length() > 0) log.error('audit events were not written', { 'event.count': queue.length() });
      heads.keep();
      heads.say();
    },
  };
}

type Parts = ReturnType<typeof createParts>;

/** How the trail is read: with all that has happened until then. */
function createReading(store: AuditStore, { chain, take, queue, writer, soundness, readFindings }: Parts) {
  const takeIn = (): Promise<void> => {
    take(true);
    return queue.flush();
  };
  const reading: Pick<Audit, 'page' | 'export' | 'verify' | 'isStanding'> = {
    page: async (query) => {
      await takeIn();
      return readPage(store, query);
    },
    export: async function* (filter) {
      await takeIn();
      yield* readAll(store, filter);
    },
    verify: async (given = null) => {
      const verdict = await verifyTrail(store, chain(), { own: writer.head(), given });
      await soundness.verified(verdict);
      return verdict;
    },
    isStanding: async (finding) =>
      (await readFindings()).some(({ seq, acknowledged }) => seq === finding && !acknowledged),
  };
  return reading;
}

/** What a trail is made of. */
function createParts({ store, key, kept, now, log, queueMax: max = 10_000 }: AuditOptions) {
  let made: Chain | null = null;
  const chain = (): Chain => {
    made ??= createChain(key().secret);
    return made;
  };
  const push = (event: AuditDraft): Promise<void> => {
    const done = queue.push(event);
    void queue.flush();
    return atMost(done, PATIENCE_MS);
  };
  const soundness = createSoundness({ push, now, log });
  const writer = createWriter({ store, chain, now, found: soundness.found, committed: soundness.committed });
  const queue = createQueue({ write: writer.write, lostEvent: (lost) => lostEvent(lost, now()), log, max });
  const heads = createHeadKeeper({ kept, head: writer.head, now, log });
  const gather = createGather();
  const take = (all: boolean): void => {
    for (const event of gather.take(now(), all)) void queue.push(event);
  };
  const readFindings = async (): Promise<Finding[]> => {
    const findings = findingsIn(await store.findings());
    soundness.told(findings);
    return findings;
  };
  return { chain, gather, take, queue, writer, soundness, heads, push, readFindings };
}

/** Waits for the promise, but no longer than this. */
async function atMost(promise: Promise<void>, patienceMs: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
