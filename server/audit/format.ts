import { csvRow } from '../../kit/csv';
import type { AuditRecord } from './chain';
import { type AuditView, auditView } from './model';

/** A way to write the trail down, piece by piece. */
export interface AuditFormat {
  readonly contentType: string;
  /** What comes before the first event. */
  readonly head: string;
  readonly line: (record: AuditRecord) => string;
}

const COLUMNS = [
  'seq',
  'at',
  'event',
  'outcome',
  'reason',
  'actor',
  'client_id',
  'address',
  'request_id',
  'count',
  'details',
] as const satisfies readonly (keyof AuditView)[];

/** Comma-separated values (RFC 4180) with a header line; `details` is JSON text. */
export const CSV: AuditFormat = {
  contentType: 'text/csv; charset=utf-8; header=present',
  head: csvRow(COLUMNS),
  line: (record) => {
    const view = auditView(record);
    return csvRow(COLUMNS.map((column) => view[column]));
  },
};

/** One JSON object a line. */
export const NDJSON: AuditFormat = {
  contentType: 'application/x-ndjson',
  head: '',
  line: (record) => `${JSON.stringify(auditView(record))}\n`,
};

/** The trail as text, in pieces of a batch each: what a streamed answer sends. */
export async function* writeTrail(
  format: AuditFormat,
  batches: AsyncIterable<readonly AuditRecord[]>,
): AsyncGenerator<string> {
  if (format.head !== '') yield format.head;
  for await (const batch of batches) yield batch.map(format.line).join('');
}
