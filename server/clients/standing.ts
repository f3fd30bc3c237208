import { createRerun } from '../../kit/in-order';
import { type Limit, parseLimit } from '../../kit/limit';
import type { ClientNews } from './news';

/** What must be known of every client at once, without asking the database. */
export interface Standing {
  /** False once the tokens of this epoch have been revoked: by disabling or removing the client, or by revoking all. */
  isCurrent(clientId: string, epoch: number): boolean;
  /** The limit of its own for the API; null: the server's. */
  limitOf(clientId: string): Limit | null;
  /** Hears of a committed change; null: of any number of them, so all is read again. */
  changed(change: ClientNews | null): Promise<void>;
  /** Forgets those who are gone for longer than any token lives. */
  tidy(): void;
}

/** Clients that are not like the others: only these are kept in memory. */
export interface StandingRows {
  /** Clients whose older tokens are dead, by client id. */
  raisedEpochs(): Promise<ReadonlyMap<string, number>>;
  /** Ids of the clients that were deleted since then. */
  deletedSince(since: Date): Promise<readonly string[]>;
  /** `limit_api` of those who have one, by client id. */
  ownLimits(): Promise<ReadonlyMap<string, string>>;
}

/** Twice the longest life of an access token (a day): the tokens of who is gone longer have all ended. */
const GONE_REMEMBERED_MS = 2 * 86_400_000;

/** The standing of clients. Nobody is known until `changed(null)`. */
export function createStanding(options: { store: StandingRows; now: () => number }): Standing {
  const { store, now } = options;
  let epochs = new Map<string, number>();
  let limits = new Map<string, Limit>();
  let goneAtMs = new Map<string, number>();
  let reading: Promise<unknown> = Promise.resolve();

  const read = async (): Promise<void> => {
    const since = new Date(now() - GONE_REMEMBERED_MS);
    // One after another: the embedded database has one session, and a replica that starts is in no hurry.
    const gone = await store.deletedSince(since);
    const raised = await store.raisedEpochs();
    const own = await store.ownLimits();
    epochs = new Map([...raised, ...gone.map((id): [string, number] => [id, Number.POSITIVE_INFINITY])]);
    goneAtMs = new Map(gone.map((id) => [id, now()]));
    limits = new Map();
    for (const [id, limit] of own) setLimit(id, limit);
  };
  // One after another: an older reading that takes longer must not undo a newer one.
  const readAgain = createRerun(read);
  const setLimit = (clientId: string, text: string | null): void => {
    const limit = text === null ? null : parseLimit(text);
    if (limit === null) limits.delete(clientId);
    else limits.set(clientId, limit);
  };
  const apply = (news: ClientNews): void => {
    const { clientId } = news;
    if (news.kind === 'secrets') return;
    setLimit(clientId, news.kind === 'row' ? news.limitApi : null);
    if (news.kind === 'gone') {
      epochs.set(clientId, Number.POSITIVE_INFINITY);
      if (!goneAtMs.has(clientId)) goneAtMs.set(clientId, now());
    } else if (news.epoch > (epochs.get(clientId) ?? 0)) epochs.set(clientId, news.epoch);
  };
  return {
    isCurrent: (clientId, epoch) => epoch >= (epochs.get(clientId) ?? 0),
    limitOf: (clientId) => limits.get(clientId) ?? null,
    changed: async (change) => {
      if (change === null) {
        const started = readAgain();
        reading = started.catch(() => undefined);
        return started;
      }
      // What is being read may be older than this and must not overwrite it.
      await reading;
      apply(change);
    },
    tidy: () => {
      for (const [clientId, at] of goneAtMs) {
        if (now() - at < GONE_REMEMBERED_MS) continue;
        goneAtMs.delete(clientId);
        epochs.delete(clientId);
      }
    },
  };
}
