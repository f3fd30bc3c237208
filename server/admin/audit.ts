import { Elysia } from 'elysia';
import { type AuditFormat, CSV, NDJSON, writeTrail } from '../audit/format';
import { auditView } from '../audit/model';
import type { Audit } from '../audit/service';
import type { Tell } from '../oauth/event';
import { type Access, reply } from './access';
import { AuditExportQuery, type AuditFilterQuery, AuditList, AuditQuery, AuditVerdict } from './audit-model';
import { describeRoute } from './detail';
import { PAGE_DEFAULT } from './model';

/** What the routes of the audit trail need. */
export interface AuditRoutesOptions {
  readonly access: Access;
  readonly audit: Pick<Audit, 'page' | 'export' | 'verify'>;
  readonly now: () => number;
  readonly tell: Tell;
}

/** The audit trail: by page, whole, and checked. */
export function auditRoutes({ access, audit, now, tell }: AuditRoutesOptions) {
  const { admit: transform } = access;
  return new Elysia({ name: 'admin-audit' })
    .get(
      '/api/admin/audit',
      async ({ query }) => {
        const page = { ...readFilter(query), cursor: query.cursor ?? null, limit: query.limit ?? PAGE_DEFAULT };
        const { items, nextCursor } = await audit.page(page);
        return reply({ items: items.map(auditView), next_cursor: nextCursor });
      },
      {
        transform,
        query: AuditQuery,
        response: { 200: AuditList },
        detail: describeRoute('listAudit', 'Events of the audit trail, newest first'),
      },
    )
    .get(
      '/api/admin/audit/export',
      async ({ query, request }) => {
        const name = query.format ?? 'ndjson';
        const format = name === 'csv' ? CSV : NDJSON;
        const actor = access.actorOf(request).name;
        await tell({ event: 'audit_exported', outcome: 'success', actor, details: { format: name } }, request);
        return download(format, name, audit.export(readFilter(query)), now());
      },
      {
        transform,
        query: AuditExportQuery,
        detail: {
          ...describeRoute('exportAudit', 'All events that match, oldest first, as a file'),
          responses: {
            200: {
              description: 'The events',
              content: { 'text/csv': { schema: TEXT }, 'application/x-ndjson': { schema: TEXT } },
            },
          },
        },
      },
    )
    .get(
      '/api/admin/audit/verify',
      async ({ request, server }) => {
        // Nothing is sent while a long trail is read, which the server would take for a connection that nobody uses.
        server?.timeout(request, 0);
        return reply(verdictOf(await audit.verify()));
      },
      {
        transform,
        response: { 200: AuditVerdict },
        detail: describeRoute('verifyAudit', 'Check that nobody changed the audit trail'),
      },
    );
}

const TEXT = { type: 'string' as const };

type Verdict = Awaited<ReturnType<Audit['verify']>>;

function verdictOf({ events, firstSeq, lastSeq, head, fault }: Verdict): AuditVerdict {
  return { ok: fault === null, events, first_seq: firstSeq, last_seq: lastSeq, head: { ...head }, fault };
}

function readFilter({ client, event, outcome, request_id, from, to }: AuditFilterQuery) {
  return {
    client: client || null,
    event: event || null,
    outcome: outcome ?? null,
    requestId: request_id || null,
    from: from ? new Date(from) : null,
    to: to ? new Date(to) : null,
  };
}

/** A file that is written while it is sent: the trail may be longer than the memory. */
function download(
  format: AuditFormat,
  extension: string,
  batches: ReturnType<Audit['export']>,
  nowMs: number,
): Response {
  const pieces = writeTrail(format, batches);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await pieces.return(undefined);
    },
  });
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return new Response(body, {
    headers: {
      'content-type': format.contentType,
      'content-disposition': `attachment; filename="audit-${day}.${extension}"`,
      'cache-control': 'no-store',
    },
  });
}
