// Which clients a list is of.
import { and, eq, exists, gt, ilike, lte, or, type SQL } from 'drizzle-orm';
import type { Rows } from '../../db/connect';
import { clientSecrets, clients } from '../../db/schema';

/** After `from`, and by `until` at the latest. */
export interface Span {
  readonly from: Date;
  readonly until: Date;
}

/** Which clients are listed; null: any. */
export interface ListQuery {
  /** Part of the id or the name, in any letter case. */
  readonly search: string | null;
  readonly isActive: boolean | null;
  /** One of its secrets ends then. */
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

function secretsThatEnd(rows: Pick<Rows, 'select'>, { from, until }: Span) {
  const { client, expiresAt } = clientSecrets;
  const ends = and(eq(client, clients.id), gt(expiresAt, from), lte(expiresAt, until));
  return rows.select({ client }).from(clientSecrets).where(ends);
}
