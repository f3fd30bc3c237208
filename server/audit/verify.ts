import type { AuditRecord, Chain, ChainEnds, Fault, Head } from './chain';
import { type Finding, findingsIn } from './findings';
import { headFault } from './head';
import type { AuditStore, Extent } from './store';

/** What a check of the whole trail found. */
export interface Verdict {
  /** Events that hold, up to the fault. */
  readonly events: number;
  /** The first and the last event that there should be; null: none. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** The end of the trail, to be written down and compared with later. */
  readonly head: Head;
  /** The first one; null: the trail holds. */
  readonly fault: Fault | null;
  /** What servers found wrong with it before, as the trail itself tells. */
  readonly findings: readonly Finding[];
}

/** Heads that the trail is to contain. */
export interface Expected {
  /** The one that this server remembers, read before the check began. */
  readonly own: Head;
  /** One that an operator kept, or null. */
  readonly given: Head | null;
}

/** Events that are read at a time. */
const BATCH_EVENTS = 1_000;

/** How often a check begins anew because events were pruned under it. */
const ATTEMPTS = 3;

/** Reads the whole trail in batches. */
export async function verifyTrail(store: AuditStore, chain: Chain, expected: Expected): Promise<Verdict> {
  const seqs = [expected.own.seq, ...(expected.given === null ? [] : [expected.given.seq])];
  for (let attempt = 1; ; attempt++) {
    const extent = await store.extent(seqs);
    const verdict = await verifyExtent(store, chain, extent, expected);
    if (verdict.fault === null || attempt === ATTEMPTS) return verdict;
    const { ends } = await store.extent([]);
    if (ends.prunedSeq === extent.ends.prunedSeq) return verdict;
  }
}

async function verifyExtent(store: AuditStore, chain: Chain, extent: Extent, expected: Expected): Promise<Verdict> {
  const { ends } = extent;
  const follower = createFollower(chain, ends);
  let fault = checkExtent(chain, extent);
  for (let seq = ends.prunedSeq; fault === null && seq < ends.lastSeq; ) {
    const batch = await store.after(seq, ends.lastSeq, BATCH_EVENTS);
    for (const event of batch) fault ??= follower.follow(event);
    const last = batch.at(-1);
    if (last === undefined) break;
    seq = last.seq;
  }
  const some = ends.lastSeq > ends.prunedSeq;
  return {
    events: follower.events(),
    firstSeq: some ? ends.prunedSeq + 1 : null,
    lastSeq: some ? ends.lastSeq : null,
    head: { seq: ends.lastSeq, hash: ends.lastHash },
    fault: fault ?? follower.end() ?? ownHeadFault(expected.own, extent) ?? givenHeadFault(expected.given, extent),
    findings: findingsIn(await store.findings()),
  };
}

/** What is wrong when the trail is to contain the head that this server knows. */
export function ownHeadFault(head: Head, extent: Extent): Fault | null {
  const fault = headFault(head, extent, 'that this server knows');
  return fault && { ...fault, reason: 'chain_set_back' };
}

function givenHeadFault(head: Head | null, extent: Extent): Fault | null {
  const fault = head && headFault(head, extent, 'that was given');
  return fault && { ...fault, reason: 'head_unknown' };
}

/** Checks the ends before any event is read; null: nothing wrong. */
export function checkExtent(chain: Chain, { ends, firstSeq, lastSeq }: Extent): Fault | null {
  if (!chain.isSealed(ends)) {
    const what = 'The record of where the trail begins and ends was changed, removed, or made under another key.';
    return changed(null, what);
  }
  if (firstSeq !== null && firstSeq <= ends.prunedSeq)
    return changed(firstSeq, `Event ${firstSeq} stands before the begin of the trail: it was inserted.`);
  if (lastSeq !== null && lastSeq > ends.lastSeq)
    return changed(lastSeq, `Event ${lastSeq} stands behind the end of the trail: it was inserted.`);
  return null;
}

/** The same, and that the last event is there. */
export function checkTail(chain: Chain, extent: Extent): Fault | null {
  const { ends, lastSeq } = extent;
  const there = lastSeq ?? ends.prunedSeq;
  return checkExtent(chain, extent) ?? (there < ends.lastSeq ? missing(there + 1) : null);
}

/** Follows the chain event by event. */
export interface Follower {
  /** The next event in the order of `seq`; null: nothing wrong with it. */
  follow(event: AuditRecord): Fault | null;
  /** After the last one. */
  end(): Fault | null;
  /** Events that were followed. */
  readonly events: () => number;
}

/** Follows the chain from its pruned end to its last event. */
export function createFollower(chain: Chain, ends: ChainEnds): Follower {
  let previous: Head = { seq: ends.prunedSeq, hash: ends.prunedHash };
  let events = 0;
  return {
    follow: (event) => {
      if (event.seq !== previous.seq + 1) return missing(previous.seq + 1);
      if (chain.link(previous.hash, event) !== event.hash)
        return changed(event.seq, `Event ${event.seq} was changed, moved or put in the place of another.`);
      previous = { seq: event.seq, hash: event.hash };
      events += 1;
      return null;
    },
    end: () => {
      if (previous.seq < ends.lastSeq) return missing(previous.seq + 1);
      if (previous.hash === ends.lastHash) return null;
      return changed(ends.lastSeq, `Event ${ends.lastSeq} is not the one that the trail ended with.`);
    },
    events: () => events,
  };
}

function missing(seq: number): Fault {
  return changed(seq, `Event ${seq} is missing.`);
}

function changed(seq: number | null, what: string): Fault {
  return { seq, what, reason: 'chain_changed' };
}
