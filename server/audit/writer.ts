import type { Log } from '../../kit/logs';
import type { AuditDraft, Chain, ChainEnds, Extension, Head } from './chain';
import type { AuditStore, Extent } from './store';

/** Puts events behind the end of the chain. */
export interface ChainWriter {
  /** Seals a chain that is empty because its key was made just now; reads its head. */
  open(keyWasMade: boolean): Promise<void>;
  /** Commits the events. After a failure the same ones must come again: they may have been committed. */
  write(events: readonly AuditDraft[]): Promise<void>;
  /** The last event that was written or read. */
  head(): Head;
  /** False once the chain was found changed. */
  intact(): boolean;
}

/** What the writer stands on. */
export interface ChainWriterOptions {
  readonly store: AuditStore;
  readonly chain: () => Chain;
  readonly now: () => number;
  readonly log: Log;
}

/** A key that another server made a moment ago is followed by its seal. */
const SEAL_PATIENCE_MS = 3_000;
const SEAL_LOOK_MS = 100;

/** The writer of one server; others may write between its batches. */
export function createWriter({ store, chain, now, log }: ChainWriterOptions): ChainWriter {
  let head: Head = { seq: 0, hash: '' };
  let intact = true;
  // The end that an attempt would have reached whose outcome is unknown.
  let perhaps: Head | null = null;

  const blame = (reason: string, details: AuditDraft['details']): AuditDraft => {
    intact = false;
    log.error('the audit trail was changed by somebody else; see audit --verify', { 'event.reason': reason });
    return {
      at: new Date(now()),
      event: 'audit_chain',
      outcome: 'failure',
      reason,
      actor: 'server',
      clientId: null,
      address: null,
      requestId: null,
      count: 1,
      details,
    };
  };
  /** What is wrong with the end, told once as an event of its own. */
  const findings = ({ ends, lastSeq }: Extent): AuditDraft[] => {
    const details = { expected_seq: head.seq, found_seq: ends.lastSeq };
    if (ends.lastSeq < head.seq || (ends.lastSeq === head.seq && ends.lastHash !== head.hash))
      return [blame('chain_set_back', details)];
    const torn = !chain().isSealed(ends) || (lastSeq ?? ends.prunedSeq) !== ends.lastSeq;
    return torn && intact ? [blame('chain_changed', details)] : [];
  };
  const build = (events: readonly AuditDraft[], extent: Extent): Extension => {
    const { ends, lastSeq } = extent;
    // Behind whatever stands there, since events must be kept even where somebody has been at work.
    const from: ChainEnds = { ...ends, lastSeq: Math.max(ends.lastSeq, lastSeq ?? 0) };
    return chain().extend(from, [...findings(extent), ...events]);
  };
  return {
    open: async (keyWasMade) => {
      const { ends } = await openedExtent(store, chain(), keyWasMade);
      head = headOf(ends);
      intact = chain().isSealed(ends);
      if (!intact)
        log.error('the audit trail was changed, or its key was; see audit --verify', {
          'event.reason': 'chain_changed',
        });
    },
    write: async (events) => {
      const earlier = perhaps;
      await store.extend((extent) => {
        const extension = build(events, extent);
        perhaps = headOf(extension.ends);
        return extension;
      }, earlier);
      head = perhaps ?? head;
      perhaps = null;
    },
    head: () => head,
    intact: () => intact,
  };
}

function headOf({ lastSeq, lastHash }: ChainEnds): Head {
  return { seq: lastSeq, hash: lastHash };
}

async function openedExtent(store: AuditStore, chain: Chain, keyWasMade: boolean): Promise<Extent> {
  if (keyWasMade)
    await store.seal(({ ends, lastSeq }) => (isFresh(ends) && lastSeq === null ? chain.seal(ends) : null));
  let extent = await store.extent();
  for (let waitedMs = 0; isFresh(extent.ends) && waitedMs < SEAL_PATIENCE_MS; waitedMs += SEAL_LOOK_MS) {
    await Bun.sleep(SEAL_LOOK_MS);
    extent = await store.extent();
  }
  return extent;
}

/** As the migration leaves it. */
function isFresh({ mac, lastSeq, prunedSeq }: ChainEnds): boolean {
  return mac === '' && lastSeq === 0 && prunedSeq === 0;
}
