import type { JWK } from 'jose';
import { Problem } from '../../kit/http/problem';
import { openSigner, openVerifier, publicPart, type Signer, type Verifier } from './key-pair';
import { nextTurnMs, PUBLISHED_AHEAD_MS, signingKey } from './key-schedule';
import type { StoredKey } from './store';

/** The public keys (RFC 7517 §5). The same object until they change. */
export interface KeySet {
  readonly keys: readonly JWK[];
}

/** The keys as this server holds them: opened, and ready to sign and verify. */
export interface HeldKeys {
  /** Takes over a table. */
  take(rows: readonly StoredKey[]): Promise<void>;
  rows(): readonly StoredKey[];
  /** The signer of this moment. @throws Problem 503 when there is none. */
  signer(): Signer;
  /** `unreadable`: a private key that is to sign does not open here. */
  state(): 'ok' | 'unreadable';
  /** Undefined: no such key, or a revoked one. */
  verifier(kid: string): Verifier | undefined;
  isLive(kid: string): boolean;
  keySet(): KeySet;
}

/** What holding keys takes. */
export interface HoldingOptions {
  /** Decrypts a private key; null: it does not open. */
  readonly unseal: (sealed: string, kid: string) => string | null;
  /** Hears of a private key that does not open, once. */
  readonly unreadable: (kid: string) => void;
  readonly now: () => number;
}

interface HeldKey {
  readonly row: StoredKey;
  readonly verify: Verifier;
  /** Null: it no longer signs, or this server cannot open it. */
  readonly sign: Signer | null;
}

/**
 * Keys in memory. A private key that this server cannot open (it was started with a key-encryption key that has been
 * replaced since) is published and verifies; the newest key that does open signs until its own private key is wiped, and a
 * next one stands in no sooner than every cache must know it.
 */
export function createHeldKeys({ unseal, unreadable, now }: HoldingOptions): HeldKeys {
  let held: ReadonlyMap<string, HeldKey> = new Map();
  let keySet: KeySet = { keys: [] };
  let turn: { readonly sign: Signer; readonly fromMs: number; readonly untilMs: number } | null = null;

  const openPrivate = async ({ kid, alg, privateKey }: StoredKey): Promise<Signer | null> => {
    if (privateKey === null) return null;
    const known = held.get(kid);
    if (known?.sign) return known.sign;
    const text = unseal(privateKey, kid);
    if (text === null && known === undefined) unreadable(kid);
    return text === null ? null : openSigner(kid, alg, text);
  };
  const hold = async (row: StoredKey): Promise<HeldKey> => ({
    row,
    verify: held.get(row.kid)?.verify ?? (await openVerifier(row.publicJwk, row.alg)),
    sign: await openPrivate(row),
  });
  const state = (): 'ok' | 'unreadable' => ([...held.values()].some(isShut) ? 'unreadable' : 'ok');
  const findSigner = (nowMs: number) => {
    const able = [...held.values()].filter(({ sign }) => sign !== null).map(({ row }) => row);
    const chosen = signingKey(able, nowMs);
    const sign = held.get(chosen?.kid ?? '')?.sign;
    if (!sign || chosen === undefined || (state() === 'unreadable' && isTooNew(chosen, nowMs))) throw noSigner();
    return { sign, fromMs: nowMs, untilMs: nextTurnMs(able, nowMs) };
  };
  return {
    take: async (rows) => {
      const keys = await Promise.all(rows.map(hold));
      held = new Map(keys.map((key) => [key.row.kid, key]));
      const published = rows.filter(({ revokedAt }) => revokedAt === null);
      keySet = { keys: published.map(({ publicJwk }) => publicPart(publicJwk)) };
      turn = null;
    },
    rows: () => [...held.values()].map(({ row }) => row),
    signer: () => {
      const nowMs = now();
      if (turn === null || nowMs >= turn.untilMs || nowMs < turn.fromMs) turn = findSigner(nowMs);
      return turn.sign;
    },
    verifier: (kid) => {
      const key = held.get(kid);
      return key === undefined || key.row.revokedAt !== null ? undefined : key.verify;
    },
    state,
    isLive: (kid) => held.get(kid)?.row.revokedAt === null,
    keySet: () => keySet,
  };
}

function isShut({ row, sign }: HeldKey): boolean {
  return sign === null && row.privateKey !== null;
}

/** Before its time, and maybe not known everywhere yet. */
function isTooNew({ activeFrom, createdAt }: StoredKey, nowMs: number): boolean {
  return activeFrom.getTime() > nowMs && createdAt.getTime() + PUBLISHED_AHEAD_MS > nowMs;
}

/** Until somebody gives this server the right key, or seals the keys for it: looked at again with each news of them. */
const RETRY_AFTER_SECONDS = 10;

function noSigner(): Problem {
  const detail = 'This server has no key to sign with; try again, or another server.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}
