import type { AuditDraft } from './chain';

/** How long failures of a kind are gathered into one event. */
const GATHER_MS = 60_000;

/** Kinds of failures (event, client, address, reason) told apart in a minute; a guesser can make up more than anybody reads. */
const KINDS_MAX = 1_000;

/** Request ids kept of each kind. */
const REQUEST_IDS_MAX = 20;

/** Failures of a minute, by kind. */
export interface Gather {
  /** The event to be written now: the first of its kind; null when it was counted to an earlier one. */
  add(failure: AuditDraft): AuditDraft | null;
  /** What was counted since the kinds began, as one event each, once the minute is over or (`all`) at once. */
  take(nowMs: number, all?: boolean): AuditDraft[];
}

interface Kind {
  readonly first: AuditDraft;
  count: number;
  firstAt: Date;
  lastAt: Date;
  readonly requestIds: string[];
}

/**
 * Gathers failures of one event, client, address and reason per minute, so that a guesser cannot fill the trail. The first
 * of a kind is written at once; the others as one event with `count`, `first_at`, `last_at` and some `request_ids`.
 */
export function createGather(options: { kindsMax?: number } = {}): Gather {
  const { kindsMax = KINDS_MAX } = options;
  const kinds = new Map<string, Kind>();
  let others: Kind | null = null;
  let startedMs: number | null = null;
  return {
    add: (failure) => {
      startedMs ??= failure.at.getTime();
      const { event, clientId, address, reason } = failure;
      const key = JSON.stringify([event, clientId, address, reason]);
      const known = kinds.get(key);
      if (known !== undefined) return count(known, failure);
      if (kinds.size < kindsMax) {
        kinds.set(key, kindOf(failure));
        return failure;
      }
      others ??= kindOf({
        ...failure,
        event: 'other_failures',
        reason: null,
        actor: '',
        clientId: null,
        address: null,
      });
      return count(others, failure);
    },
    take: (nowMs, all = false) => {
      // A clock that was set back must not keep the minute open.
      const over = startedMs !== null && (nowMs - startedMs >= GATHER_MS || nowMs < startedMs);
      if (!over && !all) return [];
      const gathered = [...kinds.values(), ...(others === null ? [] : [others])].filter(({ count }) => count > 0);
      kinds.clear();
      others = null;
      startedMs = null;
      return gathered.map(gatheredEvent);
    },
  };
}

function kindOf(first: AuditDraft): Kind {
  return { first, count: 0, firstAt: first.at, lastAt: first.at, requestIds: [] };
}

function count(kind: Kind, { at, requestId }: AuditDraft): null {
  if (kind.count === 0) kind.firstAt = at;
  kind.count += 1;
  kind.lastAt = at;
  if (requestId !== null && kind.requestIds.length < REQUEST_IDS_MAX) kind.requestIds.push(requestId);
  return null;
}

function gatheredEvent({ first, count, firstAt, lastAt, requestIds }: Kind): AuditDraft {
  const times = { first_at: firstAt.toISOString(), last_at: lastAt.toISOString() };
  const details = { ...times, request_ids: requestIds };
  return { ...first, at: lastAt, requestId: null, count, details };
}
