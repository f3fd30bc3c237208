// What an operator and the clients change while load is on.
import type { Account } from '../setting';

/** What rotations stand on. */
export interface RotationsOptions {
  readonly url: string;
  readonly adminSecret: string;
  readonly accounts: readonly Account[];
  /** Hears of the new secret of a client. */
  readonly rotated: (account: Account) => void;
}

/** One round at a time. */
export interface Rotations {
  /** The next client takes a new secret, and the next key takes over as soon as it may. Throws when that is not done. */
  next(): Promise<void>;
  /** Secrets that were rotated, and how many of the old ones were tried after their end. All of these were refused. */
  seen(): { readonly secrets: number; readonly refused: number };
}

/** How long the old secret of a client goes on: what was asked with it waits for ten seconds at most where a server is overloaded. */
const OVERLAP_SECONDS = 15;

/** Turns from client to client. */
export function createRotations({ url, adminSecret, accounts, rotated }: RotationsOptions): Rotations {
  const ending: { readonly account: Account; readonly endedMs: number }[] = [];
  const current = [...accounts];
  let secrets = 0;
  let refused = 0;
  const post = (path: string, headers: Readonly<Record<string, string>>, body: object): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const rotateSecret = async (): Promise<void> => {
    const account = current.shift();
    if (account === undefined) return;
    const answer = await post(`/api/clients/${account.id}/secrets`, basic(account), {
      overlap_seconds: OVERLAP_SECONDS,
    });
    if (answer.status !== 201) throw new Error(`Rotating a secret is answered ${answer.status}.`);
    const { client_secret: secret } = (await answer.json()) as { client_secret: string };
    const renewed = { id: account.id, secret };
    rotated(renewed);
    current.push(renewed);
    ending.push({ account, endedMs: performance.now() + (OVERLAP_SECONDS + 1) * 1_000 });
    secrets += 1;
  };
  const tryEnded = async (): Promise<void> => {
    const [oldest] = ending;
    if (oldest === undefined || performance.now() < oldest.endedMs) return;
    ending.shift();
    const { account } = oldest;
    const { status } = await post('/api/auth/token', {}, { client_id: account.id, client_secret: account.secret });
    if (status !== 401) throw new Error(`A secret that has ended is answered ${status}.`);
    refused += 1;
  };
  return {
    next: async () => {
      await tryEnded();
      await rotateSecret();
      const { status } = await post('/api/admin/keys/rotate', { 'x-admin-secret': adminSecret }, {});
      if (status !== 200) throw new Error(`Rotating keys is answered ${status}.`);
    },
    seen: () => ({ secrets, refused }),
  };
}

function basic({ id, secret }: Account): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}
