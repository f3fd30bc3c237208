import type { AuditRecord, Chain, ChainEnds, Head } from './chain';
import type { AuditStore, Extent } from './store';

/** The first thing found wrong; `seq` is the event where it shows, null: the ends of the chain. */
export interface Fault {
  readonly seq: number | null;
  readonly what: string;
}

/** What a check of the whole trail found. */
export interface Verdict {
  /** Events that hold, up to the fault. */
  readonly events: number;
  /** The first and the last event that there should be; null: none. */
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  /** The end of the trail, to be written down and compared with later. */
  readonly head: Head;
  readonly fault: Fault | null;
}

/** Events that are read at a time. */
const BATCH_EVENTS = 1_000;

/** How often a check begins anew because events were pruned under it. */
const ATTEMPTS = 3;

/** Reads the whole trail in batches. `expected` is a head that an operator wrote down, or null. */
export async function verifyTrail(store: AuditStore, chain: Chain, expected: Head | null): Promise<Verdict> {
  for (let attempt = 1; ; attempt++) {
    const extent = await store.extent();
    const verdict = await verifyExtent(store, chain, extent, expected);
    if (verdict.fault === null || attempt === ATTEMPTS) return verdict;
    const { ends } = await store.extent();
    if (ends.prunedSeq === extent.ends.prunedSeq) return verdict;
  }
}

async function verifyExtent(store: AuditStore, chain: Chain, extent: Extent, expected: Head | null): Promise<Verdict> {
  const { ends } = extent;
  const follower = createFollower(chain, ends, expected);
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
    fault: fault ?? follower.end(),
  };
}

/** Checks the ends before any event is read; null: nothing wrong. */
export function checkExtent(chain: Chain, { ends, firstSeq, lastSeq }: Extent): Fault | null {
  if (!chain.isSealed(ends)) {
    const what = 'The record of where the trail begins and ends was changed, removed, or made under another key.';
    return { seq: null, what };
  }
  if (firstSeq !== null && firstSeq <= ends.prunedSeq)
    return { seq: firstSeq, what: `Event ${firstSeq} stands before the begin of the trail: it was inserted.` };
  if (lastSeq !== null && lastSeq > ends.lastSeq)
    return { seq: lastSeq, what: `Event ${lastSeq} stands behind the end of the trail: it was inserted.` };
  return null;
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

/** Follows the chain from its pruned end to its last event; `expected` is a head that an operator wrote down, or null. */
export function createFollower(chain: Chain, ends: ChainEnds, expected: Head | null): Follower {
  let previous: Head = { seq: ends.prunedSeq, hash: ends.prunedHash };
  let events = 0;
  const missing = (seq: number): Fault => ({ seq, what: `Event ${seq} is missing.` });
  return {
    follow: (event) => {
      if (event.seq !== previous.seq + 1) return missing(previous.seq + 1);
      if (chain.link(previous.hash, event) !== event.hash)
        return { seq: event.seq, what: `Event ${event.seq} was changed, moved or put in the place of another.` };
      previous = { seq: event.seq, hash: event.hash };
      events += 1;
      return unexpected(previous, expected);
    },
    end: () => {
      if (previous.seq < ends.lastSeq) return missing(previous.seq + 1);
      if (previous.hash !== ends.lastHash)
        return { seq: ends.lastSeq, what: `Event ${ends.lastSeq} is not the one that the trail ended with.` };
      const begin = { seq: ends.prunedSeq, hash: ends.prunedHash };
      if (expected === null || expected.seq <= ends.lastSeq) return unexpected(begin, expected);
      const what = `The trail ends at event ${ends.lastSeq}, before the expected event ${expected.seq}: it was set back.`;
      return { seq: ends.lastSeq, what };
    },
    events: () => events,
  };
}

function unexpected({ seq, hash }: Head, expected: Head | null): Fault | null {
  if (expected === null || expected.seq !== seq || expected.hash === hash) return null;
  return { seq, what: `Event ${seq} is not the expected one: the trail was set back and written anew.` };
}
