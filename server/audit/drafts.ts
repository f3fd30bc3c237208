import type { SecurityEvent } from '../oauth/event';
import { storableDetails, storableText } from './canonical';
import type { AuditDraft } from './chain';
import type { Lost } from './queue';

/** A security event with where it came from. */
export interface RecordedEvent extends SecurityEvent {
  /** The caller's address, behind trusted proxies; null: no request caused it, or it is not known. */
  readonly address: string | null;
  readonly requestId: string | null;
}

/** The event as it is kept: bounded, without secrets, and of text that the database gives back as it got it. */
export function draftOf(event: RecordedEvent, nowMs: number): AuditDraft {
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

/** The event that says how many were lost, and from when to when. */
export function lostEvent({ count, firstAt, lastAt }: Lost, nowMs: number): AuditDraft {
  const details = { first_at: firstAt.toISOString(), last_at: lastAt.toISOString() };
  const event: RecordedEvent = { event: 'audit_lost', outcome: 'failure', address: null, requestId: null };
  return { ...draftOf({ ...event, reason: 'queue_full', actor: 'server', details }, nowMs), count };
}
