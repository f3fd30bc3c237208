import { unprocessable } from '../../kit/http/problem';
import type { AuditRecord } from './chain';
import type { AuditFilter, AuditStore } from './store';

/** What a page holds, and where it begins; a cursor is `nextCursor` of the page before. */
export interface AuditQuery extends AuditFilter {
  readonly cursor: string | null;
  readonly limit: number;
}

/** One page, newest first; `nextCursor` is null at the end. */
export interface AuditPage {
  readonly items: readonly AuditRecord[];
  readonly nextCursor: string | null;
}

/** Events that are read at a time. */
const BATCH_EVENTS = 1_000;

/** Reads one page. @throws Problem 422 when the cursor is none of ours. */
export async function readPage(store: AuditStore, { cursor, limit, ...filter }: AuditQuery): Promise<AuditPage> {
  const items = await store.before(readCursor(cursor), limit + 1, filter);
  const shown = items.slice(0, limit);
  return { items: shown, nextCursor: items.length > limit ? writeCursor(shown.at(-1)) : null };
}

/** Reads all events that there are now, oldest first, in batches. */
export async function* readAll(store: AuditStore, filter: AuditFilter): AsyncGenerator<readonly AuditRecord[]> {
  const { lastSeq } = await store.extent([]);
  for (let seq = 0; ; ) {
    const batch = await store.after(seq, lastSeq ?? 0, BATCH_EVENTS, filter);
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch;
    seq = last.seq;
  }
}

/** What somebody inserted may have a number that no number here can tell from its neighbours; the page after begins below all of them. */
function writeCursor(last: AuditRecord | undefined): string {
  return String(Math.min(last?.seq ?? 0, Number.MAX_SAFE_INTEGER));
}

function readCursor(cursor: string | null): number | null {
  if (cursor === null) return null;
  if (/^\d{1,16}$/.test(cursor) && Number.isSafeInteger(Number(cursor))) return Number(cursor);
  throw unprocessable('cursor is not one that this server gave.');
}
