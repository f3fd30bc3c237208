import { createHmac } from 'node:crypto';
import { sameText } from '../../kit/same-text';
import { canonicalJson } from './canonical';

/** A security event without its place in the chain. */
export interface AuditDraft {
  readonly at: Date;
  readonly event: string;
  readonly outcome: 'success' | 'failure';
  readonly reason: string | null;
  /** Who did it; empty: nobody that is known. */
  readonly actor: string;
  readonly clientId: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  /** More than one where failures of a kind were gathered. */
  readonly count: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A security event in its place. */
export interface AuditRecord extends AuditDraft {
  /** 1, 2, 3 … without holes. */
  readonly seq: number;
  /** HMAC-SHA-256 over this event and the hash of the one before, in hex. */
  readonly hash: string;
}

/** The place of one event: what an operator writes down to compare with later. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** Something found wrong with the trail; `seq` is the event where it shows, null: the ends of the chain. */
export interface Fault {
  readonly seq: number | null;
  readonly what: string;
  /** In the words of docs/audit.md; `head_unknown`: only a head that somebody gave says so, who may have mistyped it. */
  readonly reason: 'chain_changed' | 'chain_set_back' | 'begun_on_a_database_in_use' | 'head_unknown';
}

/** Both ends of the chain, under a MAC of their own. */
export interface ChainEnds {
  /** The last event that was pruned; 0 and an empty hash: none. */
  readonly prunedSeq: number;
  readonly prunedHash: string;
  readonly lastSeq: number;
  readonly lastHash: string;
  readonly mac: string;
}

/** Links and seals under one key. */
export interface Chain {
  /** The hash of an event that follows the one with `previousHash`. */
  link(previousHash: string, event: Omit<AuditRecord, 'hash'>): string;
  /** The ends with their MAC. */
  seal(ends: Omit<ChainEnds, 'mac'>): ChainEnds;
  /** True when the MAC of the ends is ours. */
  isSealed(ends: ChainEnds): boolean;
  /** The drafts as events behind the end, and the ends after them. What was not sealed by us is never sealed again. */
  extend(ends: ChainEnds, drafts: readonly AuditDraft[]): Extension;
}

/** Events to be written, and the ends of the chain with them. */
export interface Extension {
  readonly records: readonly AuditRecord[];
  readonly ends: ChainEnds;
}

/** The mac of ends that were found changed: it never holds again, so that the fault stays to be seen. */
export const BROKEN_MAC = 'broken';

/** A chain under this key (256 bits). */
export function createChain(secret: Buffer): Chain {
  // The first part says what is authenticated, so that neither kind can stand for the other; JSON keeps the fields apart.
  const mac = (parts: readonly unknown[]): string =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest('hex');
  const macOf = (ends: Omit<ChainEnds, 'mac'>): string =>
    mac(['ends', ends.prunedSeq, ends.prunedHash, ends.lastSeq, ends.lastHash]);
  const link: Chain['link'] = (previousHash, event) => mac(['event', previousHash, ...fieldsOf(event)]);
  const isSealed = (ends: ChainEnds): boolean => sameText(ends.mac, macOf(ends));
  return {
    link,
    seal: (ends) => ({ ...ends, mac: macOf(ends) }),
    isSealed,
    extend: (ends, drafts) => {
      let { lastSeq, lastHash } = ends;
      const records = drafts.map((draft) => {
        const event = { ...draft, seq: ++lastSeq };
        lastHash = link(lastHash, event);
        return { ...event, hash: lastHash };
      });
      const moved = { prunedSeq: ends.prunedSeq, prunedHash: ends.prunedHash, lastSeq, lastHash };
      return { records, ends: { ...moved, mac: isSealed(ends) ? macOf(moved) : BROKEN_MAC } };
    },
  };
}

function fieldsOf(event: Omit<AuditRecord, 'hash'>): unknown[] {
  const { seq, at, outcome, reason, actor, clientId, address, requestId, count, details } = event;
  const when = at.toISOString();
  return [seq, when, event.event, outcome, reason, actor, clientId, address, requestId, count, canonicalJson(details)];
}
