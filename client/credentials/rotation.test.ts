// The client changes its own secret at a real server, and dies at every point of it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { eq, isNull } from 'drizzle-orm';
import { clientSecrets, clients, deletedClients } from '../../db/schema';
import { embeddedDatabase } from '../../db/testing';
import { basic } from '../auth/authentication';
import { TokenError } from '../auth/token';
import { type Real, type RealClient, startReal } from '../testing/real';
import { thrown } from '../testing/world';
import type { StoredSecret } from './stored';

const TIMEOUT_MS = 60_000;

let real: Real;

const sessionOf = ({ services }: RealClient) => services.credentials.get('default');
const secretsOf = (client: RealClient): readonly StoredSecret[] => sessionOf(client).stored().secrets;

/** Ids of the secrets that the server takes now. */
async function liveIds(clientId: string | null): Promise<number[]> {
  const { rows } = real.database;
  const [client] = await rows
    .select()
    .from(clients)
    .where(eq(clients.clientId, clientId ?? ''));
  const all = await rows
    .select()
    .from(clientSecrets)
    .where(eq(clientSecrets.client, client?.id ?? -1));
  const now = real.world.clock.now();
  return all.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now).map(({ id }) => id);
}

/** One more secret of the client, beside those that it has. */
async function makeSecret(clientId: string | null, by: string, label: string): Promise<string> {
  const authorization = basic({ clientId: clientId ?? '', clientSecret: by });
  const headers = { authorization, 'content-type': 'application/json' };
  const body = JSON.stringify({ label, overlap_seconds: null });
  const made = await real.server.ask(`/api/clients/${clientId}/secrets`, { method: 'POST', headers, body });
  return ((await made.json()) as { client_secret: string }).client_secret;
}

/** Whether the server grants a token for this secret. */
async function works(clientId: string | null, secret: string): Promise<boolean> {
  const body = JSON.stringify({ client_id: clientId, client_secret: secret });
  const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  return (await real.server.ask('/api/auth/token', init)).ok;
}

embeddedDatabase('the secret of a credential', (open) => {
  beforeEach(async () => {
    real = await startReal(await open());
  });
  afterEach(() => real.close());

  describe('a secret that is changed at once', () => {
    test(
      'works, is the only one, and is the one that is kept',
      async () => {
        const client = real.client();
        await sessionOf(client).tokens.token();
        const [before] = secretsOf(client);
        const { clientId } = sessionOf(client).stored();
        await sessionOf(client).rotate();
        const [after, ...others] = secretsOf(client);
        expect(others).toEqual([]);
        expect(after).toMatchObject({ worked: true, id: expect.any(Number) });
        expect(await liveIds(clientId)).toEqual([after?.id ?? 0]);
        expect([await works(clientId, before?.value ?? ''), await works(clientId, after?.value ?? '')]).toEqual([
          false,
          true,
        ]);
        const { secret } = sessionOf(client).view(true);
        expect(secret).toMatchObject({
          count: 1,
          rotated_at: new Date(real.world.clock.now()).toISOString(),
          last_error: null,
        });
        expect(client.logged.join('\n')).not.toContain(after?.value ?? '');
      },
      TIMEOUT_MS,
    );

    test(
      'is noticed by nobody who calls meanwhile',
      async () => {
        const client = real.client();
        const session = sessionOf(client);
        await session.tokens.token();
        let isOver = false;
        const statuses: number[] = [];
        const calls = async (): Promise<void> => {
          while (!isOver) {
            const { value } = await session.tokens.token();
            // Every other one has its token taken from it.
            if (statuses.length % 2 === 0) await session.tokens.renew(value);
            const answer = await session.fetch(new Request(`${real.server.issuer}/api/currency`));
            await answer.body?.cancel();
            statuses.push(answer.status);
          }
        };
        const callers = Promise.all([calls(), calls(), calls()]);
        await session.rotate();
        await session.rotate();
        isOver = true;
        await callers;
        expect(statuses.length).toBeGreaterThan(5);
        expect(new Set(statuses)).toEqual(new Set([200]));
      },
      TIMEOUT_MS,
    );

    test(
      'by another process is no reason to be refused',
      async () => {
        const session = sessionOf(real.client());
        const { value } = await session.tokens.token();
        await sessionOf(real.client()).rotate();
        expect((await session.tokens.renew(value)).value).not.toBe(value);
      },
      TIMEOUT_MS,
    );

    test(
      'again and again',
      async () => {
        const client = real.client();
        await sessionOf(client).tokens.token();
        for (const _ of [1, 2, 3]) await sessionOf(client).rotate();
        expect(await liveIds(sessionOf(client).stored().clientId)).toHaveLength(1);
      },
      TIMEOUT_MS,
    );

    test(
      'needs no new token after a restart, since the last one was granted by it',
      async () => {
        const first = real.client();
        await sessionOf(first).tokens.token();
        await sessionOf(first).rotate();
        first.close();
        const asked = real.tokenRequests();
        const second = real.client();
        await sessionOf(second).tokens.token();
        expect(real.tokenRequests()).toBe(asked);
      },
      TIMEOUT_MS,
    );

    test(
      'leaves nothing of an attempt whose request came through late, and all of others',
      async () => {
        const first = real.client();
        await sessionOf(first).tokens.token();
        await sessionOf(first).rotate();
        const { clientId, secrets } = sessionOf(first).stored();
        const rows = await real.database.rows.select().from(clientSecrets);
        const label = rows.find(({ id }) => id === secrets[0]?.id)?.label ?? '';
        expect(label).toMatch(/^crypto-client [a-z2-7]{12} [a-z2-7]{12}$/);
        const late = `${label.slice(0, -12)}${'z'.repeat(12)}`;
        const stranger = `crypto-client ${'y'.repeat(12)} ${'z'.repeat(12)}`;
        for (const name of [late, stranger]) await makeSecret(clientId, secrets[0]?.value ?? '', name);
        expect(await liveIds(clientId)).toHaveLength(3);
        first.close();
        const again = real.client();
        await sessionOf(again).tokens.token();
        await real.passUntil(async () => (await liveIds(clientId)).length === 2, 'the late one to be ended', 10_000);
        const left = await real.database.rows.select().from(clientSecrets).where(isNull(clientSecrets.expiresAt));
        expect(left.map((one) => one.label).sort()).toEqual([label, stranger].sort());
      },
      TIMEOUT_MS,
    );

    test(
      'leaves the secrets of others alone',
      async () => {
        const client = real.client();
        await sessionOf(client).tokens.token();
        const { clientId, secrets } = sessionOf(client).stored();
        const other = await makeSecret(clientId, secrets[0]?.value ?? '', 'another machine');
        await sessionOf(client).rotate();
        expect(await works(clientId, other)).toBe(true);
        expect(await liveIds(clientId)).toHaveLength(2);
      },
      TIMEOUT_MS,
    );

    test(
      'that its user has replaced by another stays at the server: other machines may have it still',
      async () => {
        const client = real.client();
        const { id, secret } = await real.server.register();
        const { credentials } = client.services;
        const given = { clientId: id, appName: null, adminSecret: null };
        await credentials.signIn({ ...given, clientSecret: secret });
        const newer = await makeSecret(id, secret, 'made by the user');
        credentials.configure({ ...given, clientSecret: newer });
        const session = sessionOf(client);
        await session.tokens.renew((await session.tokens.token()).value);
        await real.passUntil(() => secretsOf(client).length === 1, 'one secret to be left', 10_000);
        expect(secretsOf(client)[0]?.value).toBe(newer);
        expect([await works(id, secret), await works(id, newer)]).toEqual([true, true]);
      },
      TIMEOUT_MS,
    );

    test(
      'asked for by many at once is changed once',
      async () => {
        const client = real.client();
        await sessionOf(client).tokens.token();
        await Promise.all(Array.from({ length: 5 }, () => sessionOf(client).rotate()));
        const { rows } = real.database;
        expect((await rows.select().from(clientSecrets)).length).toBe(2);
      },
      TIMEOUT_MS,
    );

    test(
      'of the environment cannot be, and is left as it is',
      async () => {
        const { id, secret } = await real.server.register();
        const client = real.client({ env: { CLIENT_ID: id, CLIENT_SECRET: secret } });
        const session = client.services.credentials.get('environment');
        await session.tokens.token();
        await expect(session.rotate()).rejects.toMatchObject({ status: 409 });
        expect(await liveIds(id)).toHaveLength(1);
      },
      TIMEOUT_MS,
    );

    test(
      'while another process is at it is told so',
      async () => {
        const one = real.client();
        await sessionOf(one).tokens.token();
        const other = real.client({ dieAt: 6 });
        other.live();
        await sessionOf(other)
          .rotate()
          .catch(() => {});
        expect(sessionOf(other).stored().begun).not.toBeNull();
        await expect(sessionOf(one).rotate()).rejects.toMatchObject({ status: 409 });
      },
      TIMEOUT_MS,
    );
  });

  describe('a client that changes its secret', () => {
    /** Waits until one secret is left, here and at the server, and it works. */
    const comesToRest = async (client: RealClient, what: string): Promise<void> => {
      const session = sessionOf(client);
      const { clientId } = session.stored();
      // At once, with a token that is asked for anew.
      await session.tokens.renew((await session.tokens.token()).value);
      const isAtRest = async (): Promise<boolean> => {
        const { begun, secrets } = session.stored();
        return begun === null && secrets.length === 1 && (await liveIds(clientId)).length === 1;
      };
      await real.passUntil(isAtRest, `rest after ${what}`, 10_000);
      const [secret] = session.stored().secrets;
      expect([what, await works(clientId, secret?.value ?? '')]).toEqual([what, true]);
    };

    test.each([
      ['dies', false],
      ['stumbles', true],
    ])(
      'and %s at any point goes on by itself, with one secret that works, and none is left behind',
      async (_, once) => {
        let points = 0;
        for (let isWhole = false; !isWhole; ) {
          const point = points + 1;
          const folder = `client-${point}`;
          const client = real.client({ folder, dieAt: point, once });
          await sessionOf(client).tokens.token();
          client.live();
          await sessionOf(client)
            .rotate()
            .catch(() => {});
          client.calm();
          isWhole = client.points() < point;
          if (!once) client.close();
          const next = once ? client : real.client({ folder });
          await comesToRest(next, `point ${point}`);
          next.close();
          if (!isWhole) points = point;
        }
        // Four requests, each before and after, and what is written between them.
        expect(points).toBeGreaterThanOrEqual(12);
      },
      4 * TIMEOUT_MS,
    );
  });

  describe('two secrets', () => {
    test(
      'stand in for each other: what the server refuses is followed by the one that works',
      async () => {
        const client = real.client({ dieAt: 10 });
        await sessionOf(client).tokens.token();
        const { clientId } = sessionOf(client).stored();
        client.live();
        await sessionOf(client)
          .rotate()
          .catch(() => {});
        expect(secretsOf(client)).toHaveLength(2);
        client.close();
        for (const index of [0, 1]) {
          const { rows } = real.database;
          const ids = await liveIds(clientId);
          const hidden = new Date(real.world.clock.now() - 1_000);
          await rows
            .update(clientSecrets)
            .set({ expiresAt: hidden })
            .where(eq(clientSecrets.id, ids[index] ?? -1));
          const again = real.client();
          const { value } = await sessionOf(again).tokens.token();
          expect(await sessionOf(again).tokens.renew(value)).toMatchObject({ type: 'Bearer' });
          again.close();
          await rows
            .update(clientSecrets)
            .set({ expiresAt: null })
            .where(eq(clientSecrets.id, ids[index] ?? -1));
        }
      },
      TIMEOUT_MS,
    );
  });

  describe('by itself', () => {
    test(
      'after ROTATE_SECRET_DAYS',
      async () => {
        const client = real.client({ env: { ROTATE_SECRET_DAYS: '30' } });
        await sessionOf(client).tokens.token();
        const [before] = secretsOf(client);
        const { secret } = sessionOf(client).view(true);
        expect(secret?.next_rotation_at).toBe('2026-01-31T00:00:00.000Z');
        real.world.stepWallClock(29 * 86_400_000);
        await real.passUntil(() => secretsOf(client)[0]?.id !== null, 'the first look', 10_000);
        expect(secretsOf(client)[0]?.value).toBe(before?.value ?? '');
        real.world.stepWallClock(2 * 86_400_000);
        await real.passUntil(() => secretsOf(client)[0]?.value !== before?.value, 'the rotation', 600_000);
        await real.passUntil(() => secretsOf(client).length === 1, 'its end', 10_000);
      },
      TIMEOUT_MS,
    );

    test(
      'before it ends, with the life that its operator gave the one before; never without an end',
      async () => {
        const client = real.client();
        await sessionOf(client).tokens.token();
        const { clientId, secrets } = sessionOf(client).stored();
        expect(sessionOf(client).view(true).secret?.next_rotation_at).toBeNull();
        const endsAt = new Date(real.world.clock.now() + 30 * 86_400_000);
        await real.database.rows.update(clientSecrets).set({ expiresAt: endsAt });
        await real.passUntil(() => secretsOf(client)[0]?.expiresAtMs !== null, 'the first look', 10_000);
        const { secret } = sessionOf(client).view(true);
        expect([secret?.expires_at, secret?.next_rotation_at]).toEqual([
          '2026-01-31T00:00:00.000Z',
          '2026-01-24T00:00:00.000Z',
        ]);
        real.world.stepWallClock(24 * 86_400_000);
        await real.passUntil(() => secretsOf(client)[0]?.value !== secrets[0]?.value, 'the rotation', 600_000);
        await real.passUntil(() => secretsOf(client).length === 1, 'its end', 10_000);
        expect(await liveIds(clientId)).toHaveLength(1);
        const [next] = secretsOf(client);
        expect((next?.expiresAtMs ?? 0) - (next?.sinceMs ?? 0)).toBeGreaterThan(29 * 86_400_000);
      },
      TIMEOUT_MS,
    );
  });

  test(
    'a server that has forgotten a client whose secret it had made gets another one, once',
    async () => {
      const client = real.client();
      await sessionOf(client).tokens.token();
      await sessionOf(client).rotate();
      const { clientId } = sessionOf(client).stored();
      // Its database was made anew: one that remembers the deletion takes the id from nobody any more.
      await real.database.rows.delete(clients).where(eq(clients.clientId, clientId ?? ''));
      await real.database.rows.delete(deletedClients).where(eq(deletedClients.clientId, clientId ?? ''));
      real.world.stepWallClock(7_300_000);
      const outcome = await sessionOf(client)
        .tokens.token()
        .catch((error: unknown) => error);
      expect(outcome).toMatchObject({ type: 'Bearer' });
      expect(secretsOf(client)).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  test(
    'a client that the server has disabled keeps the secret that it has',
    async () => {
      const client = real.client();
      await sessionOf(client).tokens.token();
      await sessionOf(client).rotate();
      const { clientId, secrets } = sessionOf(client).stored();
      await real.database.rows
        .update(clients)
        .set({ isActive: false })
        .where(eq(clients.clientId, clientId ?? ''));
      real.world.stepWallClock(7_300_000);
      const { trouble } = await thrown(sessionOf(client).tokens.token(), TokenError);
      expect(trouble.kind).toBe('own_refused');
      expect(secretsOf(client).map(({ value }) => value)).toEqual(secrets.map(({ value }) => value));
    },
    TIMEOUT_MS,
  );
});
