// Which clients a list is of.
import { and, eq, exists, gt, ilike, or, type SQL } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { clientSecrets, clients } from '../../db/schema';
import { isEnding, type Span } from './ending-store';

/** Which clients are listed; null: any. */
export interface ListQuery {
  /** Part of the id or the name, in any letter case. */
  readonly search: string | null;
  readonly isActive: boolean | null;
  /** One of its secrets ends then, and is missed. */
  readonly secretEnds: Span | null;
  /** Their ids are greater. */
  readonly after: string | null;
  readonly limit: number;
}

/** The condition of a list. */
export function isListed(
  rows: Pick<Rows, 'select'>,
  { search, isActive, secretEnds, after }: ListQuery,
): SQL | undefined {
  const pattern = `%${(search ?? '').replace(/[\\%_]/g, '\\$&')}%`;
  return and(
    search === null ? undefined : or(ilike(clients.clientId, pattern), ilike(clients.appName, pattern)),
    isActive === null ? undefined : eq(clients.isActive, isActive),
    secretEnds === null ? undefined : exists(secretsThatEnd(rows, secretEnds)),
    after === null ? undefined : gt(clients.clientId, after),
  );
}

function secretsThatEnd(rows: Pick<Rows, 'select'>, span: Span) {
  const { client } = clientSecrets;
  return rows
    .select({ client })
    .from(clientSecrets)
    .where(and(eq(client, clients.id), isEnding(span)));
}
