import type { AuditDraft } from './chain';

/** How long failures of a kind are gathered into one event. */
const GATHER_MS = 60_000;

/** Kinds of failures (event, client, address, reason) told apart in a minute; a guesser can make up more than anybody reads. */
const KINDS_MAX = 1_000;

/** Request ids kept of each kind. */
const REQUEST_IDS_MAX = 20;

/** Characters of the details kept of each kind, as JSON text: a caller writes some of them. */
const DETAILS_CHARACTERS_MAX = 4_096;

/** Failures of a minute, by kind. */
export interface Gather {
  /** The event to be written now: the first of its kind; null when it was counted to an earlier one. */
  add(failure: AuditDraft): AuditDraft | null;
  /** What was counted and not taken yet, as one event a kind, once the minute is over or (`all`) at once; the minute goes on. */
  take(nowMs: number, all?: boolean): AuditDraft[];
}

interface Kind {
  readonly first: AuditDraft;
  gathered: Gathered;
}

/** What came after the first one. */
interface Gathered {
  count: number;
  firstAt: Date;
  lastAt: Date;
  readonly requestIds: string[];
  /** By request id. */
  readonly requests: Map<string, AuditDraft['details']>;
  detailsCharacters: number;
}

/**
 * Gathers failures of one event, client, address and reason per minute, so that a guesser cannot fill the trail. The first
 * of a kind is written at once; the others as one event with `count`, `first_at`, `last_at`, some `request_ids`, and in
 * `requests` what else is known of those.
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
      const gathered = [...kinds.values(), ...(others === null ? [] : [others])].flatMap(takeGathered);
      if (over) {
        kinds.clear();
        others = null;
        startedMs = null;
      }
      return gathered;
    },
  };
}

function kindOf(first: AuditDraft): Kind {
  return { first, gathered: nothingSince(first.at) };
}

function nothingSince(at: Date): Gathered {
  return { count: 0, firstAt: at, lastAt: at, requestIds: [], requests: new Map(), detailsCharacters: 0 };
}

function count({ gathered }: Kind, { at, requestId, details }: AuditDraft): null {
  if (gathered.count === 0) gathered.firstAt = at;
  gathered.count += 1;
  gathered.lastAt = at;
  if (requestId === null || gathered.requestIds.length === REQUEST_IDS_MAX) return null;
  gathered.requestIds.push(requestId);
  const characters = JSON.stringify(details).length;
  if (characters <= '{}'.length || gathered.detailsCharacters + characters > DETAILS_CHARACTERS_MAX) return null;
  gathered.detailsCharacters += characters;
  gathered.requests.set(requestId, details);
  return null;
}

function takeGathered(kind: Kind): AuditDraft[] {
  const { first, gathered } = kind;
  const { count, firstAt, lastAt, requestIds, requests } = gathered;
  if (count === 0) return [];
  kind.gathered = nothingSince(lastAt);
  const times = { first_at: firstAt.toISOString(), last_at: lastAt.toISOString() };
  const known = requests.size === 0 ? {} : { requests: Object.fromEntries(requests) };
  return [{ ...first, at: lastAt, requestId: null, count, details: { ...times, request_ids: requestIds, ...known } }];
}
