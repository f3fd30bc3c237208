import type { AuditDraft, AuditRecord, Fault } from './chain';

/** Something that a server found wrong with the trail, told in the trail itself. */
export interface Finding {
  readonly seq: number;
  readonly at: Date;
  readonly reason: string;
  /** The sentence; empty: the reason says it all. */
  readonly what: string;
  /** True once the administrator has said that he knows of it. */
  readonly acknowledged: boolean;
}

/** Events of findings, and those by which the administrator acknowledges them. */
export const FINDING_EVENTS = ['audit_chain', 'audit_chain_acknowledged'] as const;

/** The findings among {@link FINDING_EVENTS}. Whether these events are whole the check of the chain says. */
export function findingsIn(records: readonly AuditRecord[]): Finding[] {
  const acknowledged = new Set(
    records.filter(({ event }) => event === 'audit_chain_acknowledged').map(({ details }) => details['finding']),
  );
  return records
    .filter(({ event }) => event === 'audit_chain')
    .map(({ seq, at, reason, details }) => ({
      seq,
      at,
      reason: reason ?? '',
      what: typeof details['what'] === 'string' ? details['what'] : '',
      acknowledged: acknowledged.has(seq),
    }));
}

/** The event of a finding. */
export function findingEvent({ seq, what, reason }: Fault, nowMs: number): AuditDraft {
  return {
    at: new Date(nowMs),
    event: 'audit_chain',
    outcome: 'failure',
    reason,
    actor: 'server',
    clientId: null,
    address: null,
    requestId: null,
    count: 1,
    details: { what, seq },
  };
}
