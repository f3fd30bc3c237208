// The change feed: what one server commits, every server hears. Over NOTIFY on one channel, with a heartbeat that goes round through
// the database, because a silent connection looks exactly like a quiet one.
import { sql } from 'drizzle-orm';
import type { Database } from './connect';
import { isAway } from './faults';
import { CHANGES_CHANNEL, type Topic } from './notify';
import { settle } from './pool';
import { call } from './rows';

/** Hears of one change, or (null) that some may have been missed, so that all must be read again. A promise is waited for. */
export type Heard = (id: string | null) => unknown;

/** The feed of committed changes. */
export interface Changes {
  /**
   * `heard(id)` after each committed change, in the order of the commits; `heard(null)` after any lost connection. A handler
   * that fails has missed something: the connection is then replaced, and everybody told to read again, until all succeed.
   */
  on(topic: Topic, heard: Heard): void;
  /** Milliseconds since the last proof that changes arrive and none is missing; 0 on the embedded database while all are taken in. */
  silentMs(): number;
  /** True while the database is there, and a handler cannot take in what it was told. */
  failing(): boolean;
  close(): Promise<void>;
}

/** The database takes a listener and tells it nothing, as behind a pooler that lends another session to each transaction. */
export class NothingHeard extends Error {}

/** What the feed stands on. */
export interface ChangesOptions {
  readonly database: Database;
  /** A clock in milliseconds that never steps. */
  readonly now: () => number;
  /** Tells this process's heartbeats from those of others: a random text without a colon. */
  readonly nonce: string;
  /** Is told once when changes begin to be missed, and why: the database is away, or a handler fails. */
  readonly failed: (error: unknown) => void;
  /** Is told once when everything has been read again. */
  readonly recovered: () => void;
  /** Between two heartbeats; 1 s when left out. */
  readonly beatMs?: number;
  /** A listener that has heard no heartbeat for this long is replaced; 3 s when left out. */
  readonly patienceMs?: number;
  /** Between two attempts to listen again; 250 ms when left out. */
  readonly retryMs?: number;
  /** In which the first heartbeat is heard, also of a database that is busy; 5 s when left out. */
  readonly firstMs?: number;
}

/**
 * Starts listening. Resolves when the first listener has heard a heartbeat; rejects when that fails, with {@link NothingHeard} when
 * the database is there and none comes. Later losses are repaired by themselves.
 */
export async function watchChanges(options: ChangesOptions): Promise<Changes> {
  const { database, now, nonce, beatMs = 1_000, patienceMs = 3_000, retryMs = 250, firstMs = 5_000 } = options;
  const handlers = createHandlers();
  const beat = `beat:${nonce}`;
  const sendBeat = createBeat(database, beat);
  let complete = false;
  let openedAt = now();
  let provenAt = now();
  let replace = (): void => {};
  const fault = createFault(options);
  // Within one process nothing gets lost on the way.
  const inProcess = database.kind === 'embedded';
  const first = Promise.withResolvers<void>();
  const prove = (): void => {
    if (complete) provenAt = now();
    first.resolve();
  };
  const hear = (payload: string): void => {
    const failed = (error: unknown): void => {
      // What is still at work at the end may find the database closed.
      if (!loop.isGoing()) return;
      fault.begin(error);
      replace();
    };
    if (payload === beat) prove();
    else handlers.tell(payload, failed);
  };
  /** One listener until it is lost, told to be replaced, or closed. */
  const listenOnce = async (listening: () => void): Promise<void> => {
    const over = Promise.withResolvers<void>();
    replace = over.resolve;
    const listener = await database.listen(CHANGES_CHANNEL, hear, over.resolve);
    try {
      await handlers.tellAll();
      complete = true;
      openedAt = now();
      fault.end();
      listening();
      await over.promise;
    } finally {
      if (inProcess) prove();
      complete = false;
      await listener.close();
    }
  };
  const loop = keepGoing(listenOnce, fault.begin, retryMs);
  await loop.first;
  const watch = (): void => {
    if (complete && now() - Math.max(openedAt, provenAt) > patienceMs) replace();
    void sendBeat();
  };
  const timer = inProcess ? undefined : setInterval(watch, beatMs);
  const close = async (): Promise<void> => {
    clearInterval(timer);
    loop.end();
    replace();
    await loop.ended;
  };
  if (!inProcess)
    await requireFirst(database, beat, settle(first.promise, firstMs)).catch(async (error: unknown) => {
      await close();
      throw error;
    });
  return {
    on: handlers.on,
    silentMs: () => {
      if (inProcess) prove();
      return Math.max(0, now() - provenAt);
    },
    failing: fault.isOurs,
    close,
  };
}

/** Sends a heartbeat that must be answered, and waits until it is `heard`. */
async function requireFirst(database: Database, beat: string, heard: Promise<void>): Promise<void> {
  const unheard = heard.catch(() => {
    throw new NothingHeard('The database tells its listeners nothing');
  });
  await Promise.all([call(database.rows, sql`pg_notify(${CHANGES_CHANNEL}, ${beat})`), unheard]);
}

/** Tells of a trouble when it begins and when it is over, however often it is seen in between. */
function createFault({ failed, recovered }: Pick<ChangesOptions, 'failed' | 'recovered'>) {
  let current: { readonly error: unknown } | null = null;
  return {
    begin: (error: unknown): void => {
      if (current === null) failed(error);
      current = { error };
    },
    end: (): void => {
      if (current !== null) recovered();
      current = null;
    },
    isOurs: (): boolean => current !== null && !isAway(current.error),
  };
}

/** Runs `attempt` again and again until the end; `first` settles with the first one: when it calls back, or fails before. Later failures are told. */
function keepGoing(attempt: (reached: () => void) => Promise<void>, failed: (error: unknown) => void, retryMs: number) {
  const first = Promise.withResolvers<void>();
  let reachedOnce = false;
  let going = true;
  const reached = (): void => {
    reachedOnce = true;
    first.resolve();
  };
  const run = async (): Promise<void> => {
    while (going) {
      try {
        await attempt(reached);
      } catch (error) {
        if (!reachedOnce) return first.reject(error);
        if (going) failed(error);
      }
      if (going) await Bun.sleep(retryMs);
    }
  };
  const ended = run();
  const end = (): void => {
    going = false;
  };
  return { first: first.promise, ended, end, isGoing: () => going };
}

/** Sends one heartbeat at a time; a failed one is not reported, because the silence is. */
function createBeat(database: Database, beat: string): () => Promise<void> {
  let sending = false;
  return async () => {
    if (sending) return;
    sending = true;
    try {
      await call(database.rows, sql`pg_notify(${CHANGES_CHANNEL}, ${beat})`);
    } catch {
    } finally {
      sending = false;
    }
  };
}

function createHandlers() {
  const byTopic = new Map<string, Heard[]>();
  return {
    on(topic: Topic, heard: Heard) {
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), heard]);
    },
    tell(payload: string, failed: (error: unknown) => void) {
      const colon = payload.indexOf(':');
      for (const heard of byTopic.get(payload.slice(0, colon)) ?? []) {
        Promise.try(heard, payload.slice(colon + 1)).catch(failed);
      }
    },
    tellAll: () => Promise.all([...byTopic.values()].flat().map((heard) => heard(null))),
  };
}
