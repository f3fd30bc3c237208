import type { AuditDraft, Chain, ChainEnds, Fault, Head } from './chain';
import { type Finding, findingEvent } from './findings';
import { type AuditStore, type Extent, FAR_SEQ } from './store';
import { checkTail, ownHeadFault } from './verify';

/** Puts events behind the end of the chain. */
export interface ChainWriter {
  /**
   * Seals a chain that is empty, where `maySeal` says that it is so for a good reason: its key was made just now, or the database
   * was never in use. `kept`: the last event known from before; null: as the trail says. `findings`: what the trail tells already.
   */
  open(maySeal: boolean, kept: Head | null, findings: readonly Finding[]): Promise<void>;
  /**
   * Commits the events, and before them what is found wrong with the chain. After a failure the same ones must come again:
   * they may have been committed.
   */
  write(events: readonly AuditDraft[]): Promise<void>;
  /** Looks at the end of the chain without writing. */
  look(): Promise<Look>;
  /** The last event that was written or seen. */
  head(): Head;
}

/** How the end of the chain looks. */
export interface Look {
  /** False: something is wrong with it. */
  readonly whole: boolean;
  /** What that is, unless the trail tells it already. */
  readonly untold: Fault | null;
}

/** What the writer stands on. */
export interface ChainWriterOptions {
  readonly store: AuditStore;
  readonly chain: () => Chain;
  readonly now: () => number;
  /** To be told at once of what is found, before it is written; more than once while writing fails. */
  readonly found: (fault: Fault) => void;
  /** To be told of every finding that was committed. */
  readonly committed: (fault: Fault) => void;
}

/** An attempt whose outcome is unknown: the end that it would have reached, and what it was to tell. */
interface Attempt {
  readonly head: Head;
  readonly findings: readonly Fault[];
}

/** A key that another server made a moment ago is followed by its seal. */
const SEAL_PATIENCE_MS = 3_000;
const SEAL_LOOK_MS = 100;

/** The writer of one server; others may write between its batches. */
export function createWriter({ store, chain, now, found, committed }: ChainWriterOptions): ChainWriter {
  let head: Head = { seq: 0, hash: '' };
  // What was not sealed stays so for ever, and is told once.
  let tornTold = false;
  let perhaps: Attempt | null = null;

  const untoldIn = (extent: Extent): Fault | null =>
    ownHeadFault(head, extent) ?? (tornTold ? null : checkTail(chain(), extent));
  const build = (events: readonly AuditDraft[], extent: Extent) => {
    const fault = untoldIn(extent);
    if (fault !== null) found(fault);
    const told = events.some(({ event, details }) => event === 'audit_chain' && details['what'] === fault?.what);
    const drafts = fault === null || told ? events : [findingEvent(fault, now()), ...events];
    const extension = chain().extend(placeIn(extent), drafts);
    perhaps = { head: headOf(extension.ends), findings: fault === null ? [] : [fault] };
    return extension;
  };
  const settle = ({ findings, ...reached }: Attempt): void => {
    head = reached.head;
    perhaps = null;
    for (const fault of findings) {
      tornTold ||= fault.reason === 'chain_changed';
      committed(fault);
    }
  };
  return {
    open: async (maySeal, kept, findings) => {
      const { ends } = await openedExtent(store, chain(), maySeal);
      head = kept ?? headOf(ends);
      tornTold = findings.some(({ reason }) => reason === 'chain_changed');
    },
    write: async (events) => {
      await store.extend((extent) => build(events, extent), perhaps?.head ?? null, head);
      if (perhaps !== null) settle(perhaps);
    },
    look: async () => {
      const known = head;
      const extent = await store.extent([known.seq]);
      // Written meanwhile: what was read says nothing of the head of now, and the write has looked.
      if (known !== head) return { whole: true, untold: null };
      const untold = untoldIn(extent);
      const whole = untold === null && checkTail(chain(), extent) === null;
      if (whole && extent.ends.lastSeq > head.seq) head = headOf(extent.ends);
      return { whole, untold };
    },
    head: () => head,
  };
}

/** Behind whatever stands there, since events must be kept even where somebody has been at work. */
function placeIn({ ends, nearSeq }: Extent): ChainEnds {
  // Behind an event that stands as far away as one is looked at there is still place for as many as there may ever be.
  const last = ends.lastSeq <= 1.5 * FAR_SEQ ? ends.lastSeq : 0;
  return { ...ends, lastSeq: Math.max(last, nearSeq ?? 0) };
}

function headOf({ lastSeq, lastHash }: ChainEnds): Head {
  return { seq: lastSeq, hash: lastHash };
}

async function openedExtent(store: AuditStore, chain: Chain, maySeal: boolean): Promise<Extent> {
  if (maySeal) await store.seal(({ ends, lastSeq }) => (isFresh(ends) && lastSeq === null ? chain.seal(ends) : null));
  let extent = await store.extent([]);
  for (let waitedMs = 0; isFresh(extent.ends) && waitedMs < SEAL_PATIENCE_MS; waitedMs += SEAL_LOOK_MS) {
    await Bun.sleep(SEAL_LOOK_MS);
    extent = await store.extent([]);
  }
  return extent;
}

/** As the migration leaves it. */
function isFresh({ mac, lastSeq, prunedSeq }: ChainEnds): boolean {
  return mac === '' && lastSeq === 0 && prunedSeq === 0;
}
