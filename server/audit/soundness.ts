import type { Log } from '../../kit/logs';
import type { AuditDraft, Fault } from './chain';
import { type Finding, findingEvent } from './findings';
import type { Verdict } from './verify';
import type { Look } from './writer';

/** Whether the trail is whole, as far as this server knows; it tells of each fault once. */
export interface Soundness {
  /** True while no fault is known that the administrator has not acknowledged, or that lasts. */
  intact(): boolean;
  /** A fault that is about to be written: logs it. */
  found(fault: Fault): void;
  /** It was written. */
  committed(fault: Fault): void;
  /** A fault to be written: logs it and makes its event. Resolves when that is kept. */
  report(fault: Fault): Promise<void>;
  looked(look: Look): Promise<void>;
  verified(verdict: Verdict): Promise<void>;
  /** What the trail itself tells of faults. */
  told(findings: readonly Finding[]): void;
}

/** What is known of the trail of one server. `push` brings an event on its way. */
export function createSoundness(options: {
  readonly push: (event: AuditDraft) => Promise<void>;
  readonly now: () => number;
  readonly log: Log;
}): Soundness {
  const { push, now, log } = options;
  // By their sentences: told in the log, and not yet in the trail.
  const pending = new Set<string>();
  let standing = 0;
  let whole = true;
  let faultless = true;
  const found = ({ what, reason }: Fault): void => {
    if (pending.has(what)) return;
    pending.add(what);
    log.error(`${what} See audit --verify.`, { 'event.action': 'audit_chain', 'event.reason': reason });
  };
  const committed = ({ what }: Fault): void => {
    if (pending.delete(what)) standing += 1;
  };
  const report = async (fault: Fault): Promise<void> => {
    if (pending.has(fault.what)) return;
    found(fault);
    await push(findingEvent(fault, now()));
    committed(fault);
  };
  const told = (findings: readonly Finding[]): void => {
    standing = findings.filter(({ acknowledged }) => !acknowledged).length;
  };
  return {
    intact: () => whole && faultless && standing === 0 && pending.size === 0,
    found,
    committed,
    report,
    looked: async (look) => {
      whole = look.whole;
      if (look.untold !== null) await report(look.untold);
    },
    verified: async ({ fault, findings }) => {
      told(findings);
      const own = fault?.reason === 'head_unknown' ? null : fault;
      faultless = own === null;
      // What was changed stays so, and is told once; set back it may be again and again.
      const isTold = own?.reason === 'chain_changed' && findings.some(({ what }) => what === own.what);
      if (own !== null && !isTold) await report(own);
    },
    told,
  };
}
