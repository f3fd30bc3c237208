import { notFound } from '../../kit/http/problem';
import { createInOrder } from '../../kit/in-order';
import type { Tell } from '../oauth/event';
import { eventsOf, isDue, newestAlg, requestOf, withSpares } from './key-changes';
import { createHeldKeys, type KeySet } from './key-holding';
import type { Claims, Expected, Payload } from './key-pair';
import { bringForward, changeAlg, keepUp, type Making, type SigningAlg, withdraw } from './key-schedule';
import { type KeyView, viewKey } from './key-view';
import type { KeyStore, StoredKey } from './store';

/** Who wants the keys changed. */
export interface Cause {
  /** A client id, `admin`, `server`. */
  readonly actor: string;
  readonly request: Request | null;
}

/** The signing keys of this server. Only `open` may be called before it was opened. */
export interface Keyring {
  /** Reads the keys, makes those that are missing, and begins the change to another algorithm when that was configured. */
  open(): Promise<void>;
  /** Signs with the key whose time it is. @throws Problem 503 when none opens here. */
  sign(payload: Payload): Promise<string>;
  /** The claims of a token that one of our keys signed and that says what is expected; null for any other. */
  verify(token: string, kid: string, expected: Expected): Promise<Claims | null>;
  /** `unreadable`: a private key that is to sign does not open here, so that older ones sign, and soon perhaps none. */
  state(): 'ok' | 'unreadable';
  /** False for a key that was revoked or is unknown. Memory only. */
  isLive(kid: string): boolean;
  /** The keys that may have signed a token or soon will. */
  jwks(): KeySet;
  /** All keys, in the order of their turns. */
  list(): KeyView[];
  /** The next key takes over: at once when it has been published long enough, else as soon as it will have been. @returns as `list`. */
  rotate(cause?: Cause): Promise<KeyView[]>;
  /** This key's tokens are dead here before it resolves; if it was the one that signs, the next one does from now on. @throws Problem 404 for an unknown key. */
  revoke(kid: string, cause?: Cause): Promise<void>;
  /** Does what has become due: a successor for the key that now signs, what has ended wiped and removed. Many servers may call it at once. */
  maintain(): Promise<void>;
  /** Reads the keys again, because another server has changed them. */
  changed(): Promise<void>;
}

/** Encrypts private keys at rest, with the `kid` bound in. */
export interface KeyBox {
  seal(text: string, kid: string): string;
  /** Null: it does not open. */
  unseal(sealed: string, kid: string): string | null;
}

/** What the keyring stands on. */
export interface KeyringOptions {
  readonly store: KeyStore;
  readonly box: KeyBox;
  /** The algorithm of new keys. */
  readonly alg: SigningAlg;
  /** Milliseconds since the epoch: when to sign with which key, and until when a token is good. */
  readonly now: () => number;
  /** The clock that all servers share (milliseconds since the epoch): when keys are made, take over and are destroyed. */
  readonly calendar: () => Promise<number>;
  readonly tell: Tell;
}

const BY_ITSELF: Cause = { actor: 'server', request: null };

type Turn = (keys: readonly StoredKey[], at: Date, how: Making<StoredKey>) => readonly StoredKey[];

/** The keys in the database, held open in memory. */
export function createKeyring({ store, box, alg, now, calendar, tell }: KeyringOptions): Keyring {
  const inOrder = createInOrder();
  const held = createHeldKeys({
    unseal: box.unseal,
    unreadable: (kid) => {
      const reason = 'encrypted_under_another_key';
      const event = { event: 'key_unreadable', outcome: 'failure', actor: 'server', warning: true } as const;
      void tell({ ...event, reason, details: { kid } }, null);
    },
    now,
  });
  /** Turns the table, in the database and here, and tells what happened. New keys have the algorithm `algOf` says. */
  const change = (
    turn: Turn,
    { actor, request }: Cause,
    algOf = (keys: readonly StoredKey[]) => newestAlg(keys) ?? alg,
  ) =>
    inOrder(async () => {
      const at = new Date(await calendar());
      const tables = await withSpares(box.seal, (make) =>
        store.change((keys) => turn(keys, at, { make, alg: algOf(keys) })),
      );
      await held.take(tables.after);
      await Promise.all(eventsOf(tables, actor).map((event) => tell(event, request)));
      return { tables, at };
    });
  const list = (): KeyView[] => held.rows().map((key) => viewKey(key, now()));

  return {
    // Only a start may change the algorithm: of two replicas that were told different ones, the later start decides.
    open: async () => {
      await change(changeAlg, BY_ITSELF, () => alg);
    },
    sign: (payload) => held.signer()(payload),
    verify: async (token, kid, expected) => (await held.verifier(kid)?.(token, expected)) ?? null,
    state: held.state,
    isLive: held.isLive,
    jwks: held.keySet,
    list,
    rotate: async (cause = BY_ITSELF) => {
      const { tables, at } = await change(bringForward, cause);
      const requested = requestOf(tables, at, cause.actor);
      if (requested !== null) await tell(requested, cause.request);
      return list();
    },
    revoke: async (kid, cause = BY_ITSELF) => {
      const turn: Turn = (keys, at, how) =>
        keys.some((key) => key.kid === kid) ? withdraw(keys, kid, at, how) : unknownKey();
      await change(turn, cause);
    },
    maintain: async () => {
      if (isDue(held.rows(), new Date(await calendar()))) await change(keepUp, BY_ITSELF);
    },
    changed: () => inOrder(async () => held.take(await store.all())),
  };
}

function unknownKey(): never {
  throw notFound('There is no such signing key.');
}
