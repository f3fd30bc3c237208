// Whoever can write to the database sets the trail back to an earlier state, which holds in itself: who still finds out, and what it takes to be believed again.
import { beforeEach, describe, expect, test } from 'bun:test';
import { eq, gt } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { auditChain, auditEvents } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { ADMIN_SECRET, startTestServer, type TestServer, waitFor } from '../testing';
import type { Head } from './chain';
import type { KeptHead } from './head';

type Json = Record<string, unknown>;
interface Verdict {
  ok: boolean;
  head: Head;
  fault: { seq: number | null; what: string } | null;
  findings: { seq: number; reason: string; what: string; acknowledged: boolean }[];
}

const MINUTE_MS = 60_000;
const keeping = (): KeptHead & { kept: Head | null } => ({
  kept: null,
  read() {
    return this.kept;
  },
  write(head) {
    this.kept = head;
  },
});

eachDatabase('a trail that was set back', (open) => {
  let database: Database;
  let kept: ReturnType<typeof keeping>;
  beforeEach(async () => {
    database = await open();
    kept = keeping();
  });

  const start = (auditHead: KeptHead = kept): Promise<TestServer> =>
    startTestServer(database, { settings: { auditHead, adminSecret: ADMIN_SECRET } });
  const ask = (server: TestServer, path: string, method = 'GET'): Promise<Response> =>
    server.ask(`/api/admin${path}`, { method, headers: { 'x-admin-secret': ADMIN_SECRET } });
  const verify = async (server: TestServer, query = ''): Promise<Verdict> => {
    const answer = await ask(server, `/audit/verify${query}`);
    expect(answer.status).toBe(200);
    return (await answer.json()) as Verdict;
  };
  const intact = async (server: TestServer): Promise<number> => {
    const text = await (await server.ask('/metrics')).text();
    return Number(/^crypto_server_audit_intact (\d)$/m.exec(text)?.[1]);
  };
  const told = async (server: TestServer, event: string): Promise<Json[]> =>
    ((await (await ask(server, `/audit?event=${event}`)).json()) as { items: Json[] }).items;
  /** Copies the record of the ends, lets something happen, and puts all back as it was. */
  const setBackAfter = async (happens: () => Promise<unknown>): Promise<void> => {
    const [ends] = await database.rows.select().from(auditChain);
    await happens();
    await database.rows.delete(auditEvents).where(gt(auditEvents.seq, ends!.lastSeq));
    await database.rows.update(auditChain).set(ends!);
  };

  describe('under a server that runs', () => {
    test('is found by the check, told once, and stays found after more was written and after a restart', async () => {
      const server = await start();
      const { seq } = (await verify(server)).head;
      await setBackAfter(() => server.register());
      const what = `The trail ends at event ${seq}, before event ${seq + 1} that this server knows: it was set back.`;
      expect(await verify(server)).toMatchObject({ ok: false, fault: { seq, what } });
      expect(await intact(server)).toBe(0);
      await verify(server);
      await server.register();
      expect(await told(server, 'audit_chain')).toMatchObject([
        { reason: 'chain_set_back', outcome: 'failure', actor: 'server', details: { seq, what } },
      ]);
      for (const running of [server, await start()]) {
        expect(await verify(running)).toMatchObject({
          ok: false,
          fault: null,
          findings: [{ seq: seq + 1, reason: 'chain_set_back', what, acknowledged: false }],
        });
        expect(await intact(running)).toBe(0);
        await running.close();
      }
      expect(server.logged.join()).toContain('it was set back. See audit --verify.');
    });

    test('is found without anybody asking', async () => {
      const server = await start();
      await setBackAfter(() => server.register());
      server.pass(MINUTE_MS);
      await waitFor(async () => (await intact(server)) === 0, 'the server to look');
      await waitFor(async () => (await told(server, 'audit_chain')).length === 1, 'the event');
      await server.close();
    });

    test('is found although another server has written more than was taken away', async () => {
      const [a, b] = [await start(), await start(keeping())];
      await setBackAfter(() => a.register());
      for (let times = 0; times < 3; times++) await b.register();
      await a.register();
      const what = expect.stringMatching(/^Event \d is not the one that this server knows/);
      expect(await told(a, 'audit_chain')).toMatchObject([{ reason: 'chain_set_back', details: { what } }]);
      await a.close();
      await b.close();
    });
  });

  test('while no server ran is found at the next start, by the head that was kept outside', async () => {
    const first = await start();
    await setBackAfter(async () => {
      await first.register();
      await first.close();
    });
    const known = kept.kept;
    const second = await start();
    expect(await intact(second)).toBe(0);
    expect(await verify(second)).toMatchObject({ ok: false, findings: [{ reason: 'chain_set_back' }] });
    await second.close();
    expect(kept.kept?.hash).not.toBe(known?.hash);
    // A server that has nothing to compare with believes the trail, and what it tells of itself.
    const third = await start(keeping());
    expect(await verify(third)).toMatchObject({ fault: null, ok: false });
    await third.close();
  });

  describe('a head that somebody kept', () => {
    test('is in the trail or is not; a wrong one is no finding', async () => {
      const server = await start(keeping());
      await server.register();
      const { head } = await verify(server);
      const query = `?seq=${head.seq}&hash=${head.hash}`;
      await server.register();
      expect(await verify(server, query)).toMatchObject({ ok: true, fault: null });
      expect(await verify(server, `?seq=${head.seq}&hash=${'0'.repeat(64)}`)).toMatchObject({
        ok: false,
        fault: { seq: head.seq, what: expect.stringMatching(/is not the one that was given/) },
      });
      expect(await verify(server, `?seq=999&hash=${head.hash}`)).toMatchObject({ ok: false });
      expect(await intact(server)).toBe(1);
      expect(await told(server, 'audit_chain')).toEqual([]);
      await server.close();
    });

    test.each([
      ['?seq=1'],
      [`?hash=${'0'.repeat(64)}`],
      [`?seq=0&hash=${'0'.repeat(64)}`],
      ['?seq=1&hash=0'],
      [`?seq=x&hash=${'0'.repeat(64)}`],
      [`?seq=9007199254740993&hash=${'0'.repeat(64)}`],
    ])('%s is 422', async (query) => {
      const server = await start();
      expect((await ask(server, `/audit/verify${query}`)).status).toBe(422);
      await server.close();
    });
  });

  test('is believed again once the administrator has acknowledged the finding, which tells of him', async () => {
    const server = await start();
    await setBackAfter(() => server.register());
    await verify(server);
    const [{ seq } = { seq: 0 }] = (await verify(server)).findings;
    expect((await ask(server, '/audit/findings/1/acknowledge', 'POST')).status).toBe(404);
    expect((await ask(server, `/audit/findings/${seq}/acknowledge`, 'POST')).status).toBe(204);
    expect((await ask(server, `/audit/findings/${seq}/acknowledge`, 'POST')).status).toBe(404);
    expect(await verify(server)).toMatchObject({ ok: true, fault: null, findings: [{ seq, acknowledged: true }] });
    expect(await intact(server)).toBe(1);
    expect(await told(server, 'audit_chain_acknowledged')).toMatchObject([
      { outcome: 'success', actor: 'admin', details: { finding: seq } },
    ]);
    await server.close();
  });

  describe('what is wrong in the middle', () => {
    test('is told as an event by the first check that finds it, and by no other', async () => {
      const server = await start();
      await server.register();
      await database.rows.update(auditEvents).set({ actor: 'nobody' }).where(eq(auditEvents.seq, 2));
      for (let times = 0; times < 3; times++)
        expect((await verify(server)).fault?.what).toMatch(/^Event 2 was changed/);
      await server.close();
      const again = await start();
      await verify(again);
      expect(await told(again, 'audit_chain')).toMatchObject([{ reason: 'chain_changed', details: { seq: 2 } }]);
      expect(await intact(again)).toBe(0);
      await again.close();
    });
  });

  test('an event with a number that leaves no place behind it stops nobody from writing, and is told of', async () => {
    const server = await start();
    const [event] = await database.rows.select().from(auditEvents).where(eq(auditEvents.seq, 1));
    await database.rows.insert(auditEvents).values({ ...event!, seq: 9_223_372_036_854_775_000 });
    await server.register();
    await server.register();
    expect(server.services.audit.state().queued).toBe(0);
    const page = await ask(server, '/audit?limit=1');
    const { next_cursor: cursor } = (await page.json()) as Json;
    expect((await ask(server, `/audit?cursor=${cursor}`)).status).toBe(200);
    expect((await ask(server, '/audit/export')).status).toBe(200);
    await database.rows.delete(auditEvents).where(gt(auditEvents.seq, 1e15));
    expect(await told(server, 'audit_chain')).toMatchObject([{ reason: 'chain_changed' }]);
    expect(await told(server, 'client_registered')).toHaveLength(2);
    expect((await verify(server)).ok).toBe(false);
    await server.close();
  });
});
