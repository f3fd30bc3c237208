import type { Log } from '../../kit/logs';
import type { SecurityEvent } from '../oauth/event';
import { storableDetails, storableText } from './canonical';
import { type AuditDraft, type AuditRecord, type Chain, createChain, type Head } from './chain';
import { createGather } from './gather';
import { type AuditPage, type AuditQuery, readAll, readPage } from './pages';
import { pruneTrail } from './prune';
import { createQueue, type Lost } from './queue';
import type { AuditFilter, AuditStore } from './store';
import { createTimer } from './timer';
import { type Verdict, verifyTrail } from './verify';
import { createWriter } from './writer';

/** A security event with where it came from. */
export interface RecordedEvent extends SecurityEvent {
  /** The caller's address, behind trusted proxies; null: no request caused it, or it is not known. */
  readonly address: string | null;
  readonly requestId: string | null;
}

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
  /** False once the chain was found changed. */
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
  /** A cursor that is none of ours begins at the end. */
  page(query: AuditQuery): Promise<AuditPage>;
  /** All that match, oldest first, in batches. */
  export(filter: AuditFilter): AsyncIterable<readonly AuditRecord[]>;
  /** Reads the whole trail; `expected` is a head that was written down before. */
  verify(expected?: Head | null): Promise<Verdict>;
  /** Deletes events beyond the retention; what does not hold is kept as it is. */
  prune(): Promise<void>;
  /** Writes what waits; for tests and before an answer that needs it. */
  flush(): Promise<void>;
  state(): AuditState;
  /** Writes what is gathered and what waits, and logs the head. */
  close(): Promise<void>;
}

/** What the trail stands on. */
export interface AuditOptions {
  readonly store: AuditStore;
  readonly key: () => AuditKey;
  readonly retentionMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
  /** Events that may wait for the database; 10,000 when left out, some megabytes. */
  readonly queueMax?: number;
}

/** How long events wait to be written together. */
const FLUSH_MS = 200;

/** How long whoever has changed something waits for the trail. */
const PATIENCE_MS = 2_000;

/** An operator who keeps the log can compare with it. */
const HEAD_EVERY_MS = 86_400_000;

/** The audit trail over its rows. */
export function createAudit(options: AuditOptions): Audit {
  const { store, key, retentionMs, now, log, queueMax = 10_000 } = options;
  let made: Chain | null = null;
  const chain = (): Chain => {
    made ??= createChain(key().secret);
    return made;
  };
  const gather = createGather();
  const writer = createWriter({ store, chain, now, log });
  const queue = createQueue({ write: writer.write, lostEvent: (lost) => lostEvent(lost, now()), log, max: queueMax });
  const prune = () => pruneTrail({ store, chain: chain(), before: new Date(now() - retentionMs), log });
  const enqueueGathered = (all: boolean): void => {
    for (const event of gather.take(now(), all)) void queue.push(event);
  };
  let headLoggedAtMs = now();
  const logHead = (): void => {
    headLoggedAtMs = now();
    const { seq, hash } = writer.head();
    log.info('head of the audit trail', { 'event.sequence': seq, 'event.hash': hash });
  };
  const timer = createTimer(FLUSH_MS, async () => {
    enqueueGathered(false);
    await queue.flush();
    if (now() - headLoggedAtMs >= HEAD_EVERY_MS) logHead();
  });
  return {
    open: async () => {
      await writer.open(key().made);
      logHead();
      timer.start();
    },
    record: async (event) => {
      const draft = draftOf(event, now());
      const isFailure = draft.outcome === 'failure';
      const written = isFailure ? gather.add(draft) : draft;
      if (written === null) return;
      const kept = queue.push(written);
      if (isFailure || !timer.isRunning()) return;
      void queue.flush();
      await atMost(kept, PATIENCE_MS);
    },
    page: (query) => readPage(store, query),
    export: (filter) => readAll(store, filter),
    verify: (expected = null) => verifyTrail(store, chain(), expected),
    prune,
    flush: () => queue.flush(true),
    state: () => ({
      queued: queue.length(),
      lost: queue.lost(),
      headSeq: writer.head().seq,
      intact: writer.intact(),
    }),
    close: async () => {
      if (!timer.isRunning()) return;
      timer.stop();
      enqueueGathered(true);
      await queue.flush(true);
      if (queue.length() > 0) log.error('audit events were not written', { 'event.count': queue.length() });
      logHead();
    },
  };
}

function draftOf(event: RecordedEvent, nowMs: number): AuditDraft {
  return {
    at: new Date(nowMs),
    event: event.event,
    outcome: event.outcome,
    reason: event.reason === undefined ? null : storableText(event.reason),
    actor: storableText(event.actor ?? ''),
    clientId: event.clientId == null ? null : storableText(event.clientId),
    address: event.address === null ? null : storableText(event.address),
    requestId: event.requestId,
    count: 1,
    details: storableDetails(event.details ?? {}),
  };
}

function lostEvent({ count, firstAt, lastAt }: Lost, nowMs: number): AuditDraft {
  const details = { first_at: firstAt.toISOString(), last_at: lastAt.toISOString() };
  const event: RecordedEvent = { event: 'audit_lost', outcome: 'failure', address: null, requestId: null };
  return { ...draftOf({ ...event, reason: 'queue_full', actor: 'server', details }, nowMs), count };
}

/** Waits for the promise, but no longer than this. */
async function atMost(promise: Promise<void>, patienceMs: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
