// Which secrets are about to be missed: what the warnings, the metrics and the list of clients go by.
import { and, eq, gt, isNotNull, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Rows } from '../../db/rows';
import { clientSecrets, clients } from '../../db/schema';

/** After `from`, and by `until` at the latest. */
export interface Span {
  readonly from: Date;
  readonly until: Date;
}

/** A secret that ends soon, and is missed then. */
export interface EndingSecret {
  readonly clientId: string;
  readonly secretId: number;
  readonly label: string;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
}

/** How many secrets there are, and when the next one ends that is missed then; null: none does. */
export interface SecretCounts {
  /** For longer than the span. */
  readonly live: number;
  readonly ending: number;
  /** End within the span, but nobody will miss them. */
  readonly replaced: number;
  readonly ended: number;
  readonly nextEnd: Date | null;
}

const { client, expiresAt, warnedAt } = clientSecrets;

const endsWithin = ({ from, until }: Span): SQL | undefined => and(gt(expiresAt, from), lte(expiresAt, until));

/**
 * True when nobody will miss a secret: a newer one of its client ends later or never, and this one was not used in the second half
 * of the time that both have, nor in the last week of it. A machine that goes on with the old one is to be told of in time.
 * Names are written out: in a query of one table the query builder leaves that of the table away, and the inner one would be meant.
 */
const isReplaced = sql`exists (
  select from client_secrets as newer
  where newer.client = client_secrets.client and newer.id > client_secrets.id
    and (newer.expires_at is null or newer.expires_at > client_secrets.expires_at)
    and coalesce(client_secrets.last_used_at <= client_secrets.expires_at
      - least((client_secrets.expires_at - newer.created_at) / 2, interval '7 days'), true))`;

/** A secret that ends within the span and is missed then; of an active client, for a disabled one misses nothing. */
export const isEnding = (span: Span): SQL | undefined =>
  and(endsWithin(span), clients.isActive, sql`not ${isReplaced}`);

/** Marks the secrets that are ending, each once, and gives those it marked, oldest first. One statement, so that of several servers exactly one takes each. */
export async function takeEnding(rows: Rows, span: Span): Promise<EndingSecret[]> {
  const { id: secretId, label, lastUsedAt } = clientSecrets;
  const taken = await rows
    .update(clientSecrets)
    .set({ warnedAt: span.from })
    .from(clients)
    .where(and(isEnding(span), isNull(warnedAt), eq(client, clients.id)))
    .returning({
      clientId: clients.clientId,
      secretId,
      label,
      expiresAt: sql<Date>`${expiresAt}`.mapWith(expiresAt),
      lastUsedAt,
    });
  return taken.sort((a, b) => a.secretId - b.secretId);
}

/** Counts all secrets. */
export async function countSecrets(rows: Pick<Rows, 'select'>, span: Span): Promise<SecretCounts> {
  const { from, until } = span;
  const count = (condition: SQL | undefined) => sql<number>`count(*) filter (where ${condition})`.mapWith(Number);
  const missed = and(isNotNull(expiresAt), gt(expiresAt, from), clients.isActive, sql`not ${isReplaced}`);
  const [counts] = await rows
    .select({
      live: count(or(isNull(expiresAt), gt(expiresAt, until))),
      ending: count(isEnding(span)),
      replaced: count(and(endsWithin(span), sql`not (${clients.isActive} and not ${isReplaced})`)),
      ended: count(lte(expiresAt, from)),
      nextEnd: sql`min(${expiresAt}) filter (where ${missed})`.mapWith(expiresAt),
    })
    .from(clientSecrets)
    .innerJoin(clients, eq(client, clients.id));
  return counts ?? { live: 0, ending: 0, replaced: 0, ended: 0, nextEnd: null };
}
