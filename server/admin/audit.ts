import { Elysia } from 'elysia';
import { unhurried } from '../../kit/http/listen';
import { notFound, unprocessable } from '../../kit/http/problem';
import { readRowNumber } from '../../kit/http/row-number';
import { begun, streamOf } from '../../kit/http/streamed';
import { requestFields } from '../../kit/http/trace';
import type { Log } from '../../kit/logs';
import { type AuditFormat, CSV, NDJSON, writeTrail } from '../audit/format';
import { auditView } from '../audit/model';
import type { Audit } from '../audit/service';
import type { Tell } from '../oauth/event';
import { type Access, done, reply } from './access';
import {
  AuditExportQuery,
  type AuditFilterQuery,
  AuditList,
  AuditQuery,
  AuditVerdict,
  AuditVerifyQuery,
} from './audit-model';
import { describeRoute } from './detail';
import { Done, PAGE_DEFAULT } from './model';

/** What the routes of the audit trail need. */
export interface AuditRoutesOptions {
  readonly access: Access;
  readonly audit: Pick<Audit, 'page' | 'export' | 'verify' | 'isStanding'>;
  /** Milliseconds since the epoch; names the file of an export. */
  readonly now: () => number;
  readonly tell: Tell;
  readonly log: Log;
}

/** The audit trail: by page, whole, and checked. */
export function auditRoutes({ access, audit, now, tell, log }: AuditRoutesOptions) {
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
        const headers = downloadHeaders(name, now());
        // What a GET would be answered with; nothing leaves the server.
        if (request.method === 'HEAD') return new Response(null, { headers });
        const events = () => begun(audit.export(readFilter(query)));
        // What cannot be read is not exported; what is told is in the file itself, which is therefore read after it.
        await events();
        const actor = access.actorOf(request).name;
        await tell({ event: 'audit_exported', outcome: 'success', actor, details: { format: name } }, request);
        const broken = (error: unknown): void =>
          log.error('an export of the audit trail was cut off', { error, ...requestFields(request) });
        return new Response(streamOf(writeTrail(FORMATS[name], await events()), broken), { headers });
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
    .use(verifyRoutes({ access, audit, tell }));
}

/** Whether the trail is whole, and that the administrator knows what was found. */
function verifyRoutes({ access, audit, tell }: Omit<AuditRoutesOptions, 'now' | 'log'>) {
  const { admit: transform } = access;
  return new Elysia({ name: 'admin-audit-verify' })
    .get(
      '/api/admin/audit/verify',
      async ({ query, request, server }) => {
        const given = readGiven(query);
        return reply(verdictOf(await unhurried(server, request, () => audit.verify(given))));
      },
      {
        transform,
        query: AuditVerifyQuery,
        response: { 200: AuditVerdict },
        detail: describeRoute(
          'verifyAudit',
          'Check that nobody changed the audit trail',
          'With `seq` and `hash` of a head that was kept also whether the trail still contains it.',
        ),
      },
    )
    .post(
      '/api/admin/audit/findings/:seq/acknowledge',
      async ({ params, request }) => {
        const finding = readRowNumber(params.seq, 'finding');
        if (!(await audit.isStanding(finding))) throw notFound('There is no such finding, or it is acknowledged.');
        const actor = access.actorOf(request).name;
        await tell({ event: 'audit_chain_acknowledged', outcome: 'success', actor, details: { finding } }, request);
        await audit.isStanding(finding);
        return done();
      },
      {
        transform,
        response: { 204: Done },
        detail: describeRoute(
          'acknowledgeAuditFinding',
          'Say that a finding about the audit trail is known',
          'It stays in the trail, and so does who acknowledged it; the check counts it no more.',
        ),
      },
    );
}

const FORMATS: Readonly<Record<'csv' | 'ndjson', AuditFormat>> = { csv: CSV, ndjson: NDJSON };

const TEXT = { type: 'string' as const };

type Verdict = Awaited<ReturnType<Audit['verify']>>;

function verdictOf({ events, firstSeq, lastSeq, head, fault, findings }: Verdict): AuditVerdict {
  return {
    ok: fault === null && findings.every(({ acknowledged }) => acknowledged),
    events,
    first_seq: firstSeq,
    last_seq: lastSeq,
    head: { ...head },
    fault: fault && { seq: fault.seq, what: fault.what },
    findings: findings.map((finding) => ({ ...finding, at: finding.at.toISOString() })),
  };
}

function readGiven({ seq, hash }: AuditVerifyQuery) {
  if (seq === undefined && hash === undefined) return null;
  if (seq !== undefined && hash !== undefined) return { seq, hash };
  throw unprocessable('seq and hash belong together.');
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

function downloadHeaders(extension: 'csv' | 'ndjson', nowMs: number): Record<string, string> {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return {
    'content-type': FORMATS[extension].contentType,
    'content-disposition': `attachment; filename="audit-${day}.${extension}"`,
    'cache-control': 'no-store',
  };
}
