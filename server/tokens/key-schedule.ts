// The life of signing keys as a table that is turned over: next → active → retiring → gone. A state follows from the times
// alone, so that all replicas agree on it without a word. Pure: what comes out is written by who called.
import { CLOCKS_APART_MS } from '../../kit/clocks';

/** Algorithm of access tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export type SigningAlg = 'ES256' | 'EdDSA' | 'RS256';

/** What the schedule knows of a key. */
export interface TimedKey {
  readonly kid: string;
  readonly alg: string;
  /** Encrypted. Null once the key no longer signs. */
  readonly privateKey: string | null;
  /** From here on it is published. */
  readonly createdAt: Date;
  readonly activeFrom: Date;
  /** When its successor takes over; null: it has none yet. */
  readonly retiredAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Where a key is in its life. Next: published, and does not sign yet. Retiring: verifies what it has signed. */
export type KeyState = 'next' | 'active' | 'retiring' | 'revoked';

/** Makes a key of this algorithm that is published at once and signs from `activeFrom` on. */
export type MakeKey<Key> = (alg: SigningAlg, createdAt: Date, activeFrom: Date) => Key;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** A key signs for a month: short enough that the way to turn it over is well trodden, long enough to trouble nobody. */
export const ROTATE_EVERY_MS = 30 * DAY_MS;

/**
 * A key is published at least this long before it signs: twice the five minutes that callers may keep the key set, since
 * news takes a moment to reach every replica and clocks differ. As a rule it is a month, because each key has its successor
 * beside it from its first day; that is what makes an emergency harmless to those who verify.
 */
export const PUBLISHED_AHEAD_MS = 10 * MINUTE_MS;

/** The longest life of a token that any replica may have been told to give (ACCESS_TOKEN_TTL_SECONDS at most). */
const TOKEN_LIFE_MAX_MS = DAY_MS;

/** How long a key verifies after its last signature: signed with a clock behind, checked with another one behind. */
export const RETIRING_MS = TOKEN_LIFE_MAX_MS + 2 * CLOCKS_APART_MS;

/** The state of a key at a moment (milliseconds since the epoch). */
export function stateOf(key: TimedKey, nowMs: number): KeyState {
  if (key.revokedAt !== null) return 'revoked';
  if (key.activeFrom.getTime() > nowMs) return 'next';
  return key.retiredAt === null || key.retiredAt.getTime() > nowMs ? 'active' : 'retiring';
}

/** When the row of a key goes; null while nobody can say. */
export function removedAt({ retiredAt, revokedAt }: TimedKey): Date | null {
  const end = revokedAt ?? retiredAt;
  return end === null ? null : later(end, RETIRING_MS);
}

/** The key that signs at a moment: the newest whose time has come. With a clock far behind all, the oldest one. */
export function signingKey<Key extends TimedKey>(keys: readonly Key[], nowMs: number): Key | undefined {
  const chain = chainOf(keys);
  return chain.findLast(({ activeFrom }) => activeFrom.getTime() <= nowMs) ?? chain[0];
}

/** The moment at which `signingKey` may change its answer. */
export function nextTurnMs(keys: readonly TimedKey[], nowMs: number): number {
  const starts = chainOf(keys).map(({ activeFrom }) => activeFrom.getTime());
  return Math.min(Number.POSITIVE_INFINITY, ...starts.filter((start) => start > nowMs));
}

/** How a table is extended: with what, and in which algorithm. */
export interface Making<Key> {
  readonly make: MakeKey<Key>;
  readonly alg: SigningAlg;
}

/**
 * A table with everything done that is due: a key that signs, a successor beside it, what has ended wiped and removed. A
 * run in which a turn has come destroys nothing: the next run does, when the clock still says so. One look at a clock that is
 * far ahead ends no key that is in use.
 */
export function keepUp<Key extends TimedKey>(keys: readonly Key[], at: Date, { make, alg }: Making<Key>): Key[] {
  const able = keys.filter(({ privateKey }) => privateKey !== null);
  const table = canSign(signingKey(able, at.getTime()), at) ? keys : [...keys, make(alg, at, at)];
  const chain = chainOf(table);
  const [before, last] = [chain.at(-2), chain.at(-1)];
  if (last === undefined) return link(table, at);
  if (before === undefined || last.activeFrom <= at) return link([...table, make(alg, at, turnAfter(last, at))], at);
  if (isLost(last, before, at)) return startAt(table, last, turnAfter(before, at), at);
  return link(
    table.filter((key) => key.privateKey !== null || !isOver(removedAt(key), at)),
    at,
  ).map((key) => wipe(key, at));
}

/** When the successor of a key takes over. */
function turnAfter({ activeFrom }: TimedKey, at: Date): Date {
  return new Date(Math.max(activeFrom.getTime() + ROTATE_EVERY_MS, at.getTime() + PUBLISHED_AHEAD_MS));
}

/** Further away than turns are planned: a clock that was ahead has planned it. */
function isLost({ activeFrom }: TimedKey, before: TimedKey, at: Date): boolean {
  return activeFrom > later(at, ROTATE_EVERY_MS) && activeFrom > turnAfter(before, at);
}

function isOver(moment: Date | null, at: Date): boolean {
  return moment !== null && moment <= at;
}

/** Without its private key once that has signed its last. */
function wipe<Key extends TimedKey>(key: Key, at: Date): Key {
  const isDue = key.retiredAt !== null && isOver(later(key.retiredAt, CLOCKS_APART_MS), at);
  return isDue && key.privateKey !== null ? { ...key, privateKey: null } : key;
}

function canSign(key: TimedKey | undefined, at: Date): boolean {
  return key !== undefined && (key.retiredAt === null || key.retiredAt > at);
}

/** Another algorithm from as soon as it can be. A successor of the old one that has never signed makes way. */
export function changeAlg<Key extends TimedKey>(keys: readonly Key[], at: Date, how: Making<Key>): Key[] {
  const chain = chainOf(keys);
  const tail = chain.at(-1);
  if (tail === undefined || tail.alg === how.alg) return keepUp(keys, at, how);
  // Close to its time another replica, whose clock is ahead, may sign with it already.
  const unused = chain.length > 1 && tail.activeFrom.getTime() > at.getTime() + CLOCKS_APART_MS;
  if (unused) {
    return changeAlg(
      keys.filter(({ kid }) => kid !== tail.kid),
      at,
      how,
    );
  }
  const from = Math.max(at.getTime(), tail.activeFrom.getTime()) + PUBLISHED_AHEAD_MS;
  return keepUp([...keys, how.make(how.alg, at, new Date(from))], at, how);
}

/** The next key takes over as soon as every cache must know it: now, or at a time that its row then says. */
export function bringForward<Key extends TimedKey>(keys: readonly Key[], at: Date, how: Making<Key>): Key[] {
  return hasten(keepUp(keys, at, how), at, at, how);
}

/** The key whose turn is the next one; undefined: there is none. */
export function nextKey<Key extends TimedKey>(keys: readonly Key[], at: Date): Key | undefined {
  return chainOf(keys).find(({ activeFrom }) => activeFrom > at);
}

/** The next key takes over at the moment that is wanted, or later, when every cache must know it; never later than it would have. */
function hasten<Key extends TimedKey>(table: Key[], wanted: Date, at: Date, how: Making<Key>): Key[] {
  const next = nextKey(table, at);
  if (next === undefined) return table;
  // It is there now, whatever the clock said that saw it made.
  const publishedAt = Math.min(next.createdAt.getTime(), at.getTime());
  const from = new Date(Math.max(wanted.getTime(), publishedAt + PUBLISHED_AHEAD_MS));
  return from >= next.activeFrom ? table : keepUp(startAt(table, next, from, at), at, how);
}

/**
 * This key is dead. If it was the one that signs, the next one signs from now on, and is made if there is none. If it was the
 * next one, another takes its turn: a rotation that somebody asked for is not put off by a month.
 */
export function withdraw<Key extends TimedKey>(keys: readonly Key[], kid: string, at: Date, how: Making<Key>): Key[] {
  const signed = signingKey(keys, at.getTime())?.kid === kid;
  const dead = keys.map((key) =>
    key.kid === kid ? { ...key, revokedAt: key.revokedAt ?? at, privateKey: null } : key,
  );
  const next = nextKey(dead, at);
  if (signed && next !== undefined) return keepUp(startAt(dead, next, at, at), at, how);
  const turn = keys.find((key) => key.kid === kid && key.activeFrom > at)?.activeFrom;
  const table = keepUp(dead, at, how);
  return turn === undefined ? table : hasten(table, turn, at, how);
}

/** Keys that are or were to sign, in the order of their turns. */
function chainOf<Key extends TimedKey>(keys: readonly Key[]): Key[] {
  const order = (a: Key, b: Key): number => a.activeFrom.getTime() - b.activeFrom.getTime() || (a.kid < b.kid ? -1 : 1);
  return keys.filter(({ revokedAt }) => revokedAt === null).sort(order);
}

function startAt<Key extends TimedKey>(keys: readonly Key[], { kid }: Key, from: Date, at: Date): Key[] {
  return link(
    keys.map((key) => (key.kid === kid ? { ...key, activeFrom: from } : key)),
    at,
  );
}

/** Each key retires when the one behind it starts; one that has retired stays so. */
function link<Key extends TimedKey>(keys: readonly Key[], at: Date): Key[] {
  const chain = chainOf(keys);
  return keys.map((key) => {
    const place = chain.indexOf(key);
    if (place < 0 || isOver(key.retiredAt, at)) return key;
    const retiredAt = chain[place + 1]?.activeFrom ?? null;
    return retiredAt?.getTime() === key.retiredAt?.getTime() ? key : { ...key, retiredAt };
  });
}

function later(moment: Date, byMs: number): Date {
  return new Date(moment.getTime() + byMs);
}
