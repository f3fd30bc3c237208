import { type Static, t } from 'elysia';
import type { AuditRecord } from './chain';

/** An event of the audit trail, as administrators see it. */
export const AuditView = t.Object({
  seq: t.Integer({ description: 'Its place in the trail: 1, 2, 3 … without holes.' }),
  at: t.String({ description: 'When, RFC 3339; of gathered failures the last.' }),
  event: t.String({ description: 'What happened.', examples: ['client_authentication'] }),
  outcome: t.Union([t.Literal('success'), t.Literal('failure')]),
  reason: t.Union([t.String(), t.Null()], { description: 'The exact cause of a failure.', examples: ['secret_ended'] }),
  actor: t.Union([t.String(), t.Null()], { description: 'Who did it; null: nobody that is known.' }),
  client_id: t.Union([t.String(), t.Null()], { description: 'The client that it is about.' }),
  address: t.Union([t.String(), t.Null()], { description: 'From where.' }),
  request_id: t.Union([t.String(), t.Null()], { description: 'X-Request-Id of the answer.' }),
  count: t.Integer({ description: 'More than one: failures of one kind, gathered.' }),
  details: t.Object({}, { additionalProperties: true, description: 'What else is known.' }),
});

/** An event of the audit trail, as administrators see it. */
export type AuditView = Static<typeof AuditView>;

/** An event as it is told. */
export function auditView(record: AuditRecord): AuditView {
  return {
    seq: record.seq,
    at: record.at.toISOString(),
    event: record.event,
    outcome: record.outcome,
    reason: record.reason,
    actor: record.actor || null,
    client_id: record.clientId,
    address: record.address,
    request_id: record.requestId,
    count: record.count,
    details: record.details,
  };
}
