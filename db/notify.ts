import { type SQL, sql } from 'drizzle-orm';

/** The NOTIFY channel; payloads are `<topic>:<id>`. Triggers of the migrations write to it too. */
export const CHANGES_CHANNEL = 'changes';

/** What a change is about. */
export type Topic = 'clients' | 'tokens' | 'keys' | 'resources' | 'rates';

/** Tells every server of a change once the transaction is committed, for a `returning` of the statement that makes it. */
export function notify(topic: Topic, id: string): SQL {
  return sql`pg_notify(${CHANGES_CHANNEL}, ${`${topic}:${id}`})`;
}
