import type { Account } from '../setting';

/** A token and whose it is. */
export interface Held {
  readonly token: string;
  /** Changes when the client rotates its secret. */
  readonly client: { account: Account };
}

/** The tokens that requests are made with: renewed all the time, so that none is old. */
export interface Tokens {
  /** Has been issued: every tenth of a client is used from now on, some of the others are there to be revoked. */
  issued(held: Held): void;
  /** One that is in use. */
  take(): Held;
  /** The newest that is in use of a client; it is never revoked. */
  newestOf(client: Held['client']): string;
  /** One to be revoked, and never used for anything else; undefined when there is none right now. */
  takeRevocable(): Held | undefined;
  /** Has been revoked; it is to be refused once. */
  revoked(held: Held): void;
  takeRevoked(): Held | undefined;
  /** How many keys have signed those that were used. */
  keys(): number;
}

/** A token is used by some dozens of requests, as machines do that keep it until it ends. */
const USED_EVERY = 10;

/** More than are revoked in a second. */
const REVOCABLE_MAX = 100;

/** `first`: one for each client. `size`: how many are in use at a time, in turn. */
export function createTokens(first: readonly Held[], size: number): Tokens {
  const inUse = [...first];
  const newest = new Map(first.map(({ client, token }) => [client, token]));
  const revocable: Held[] = [];
  const revoked: Held[] = [];
  const kids = new Set(first.map(({ token }) => kidOf(token)));
  const issued = new Map<Held['client'], number>();
  let place = 0;
  let turn = 0;
  return {
    issued: (held) => {
      const count = (issued.get(held.client) ?? 0) + 1;
      issued.set(held.client, count);
      if (count % USED_EVERY !== 0) {
        if (revocable.length < REVOCABLE_MAX) revocable.push(held);
        return;
      }
      inUse[place++ % size] = held;
      newest.set(held.client, held.token);
      kids.add(kidOf(held.token));
    },
    take: () => inUse[turn++ % inUse.length] as Held,
    newestOf: (client) => newest.get(client) ?? '',
    takeRevocable: () => revocable.shift(),
    revoked: (held) => void revoked.push(held),
    takeRevoked: () => revoked.shift(),
    keys: () => kids.size,
  };
}

function kidOf(token: string): string {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}
