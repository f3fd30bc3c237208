// What users of such systems wish for most: nothing fails while secrets and keys are rotated, and nothing piles up.
import { expect, test } from 'bun:test';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import type { Database } from '../db/connect';
import * as schema from '../db/schema';
import { eachDatabase } from '../db/testing';
import { ADMIN_SECRET, basic, form, json, startTestServer, type TestClient, type TestServer, waitFor } from './testing';

const CLIENTS = 50;

/** A machine that asks for tokens and uses them until it is stopped; it keeps its tokens for a while, as machines do. */
function startMachine(server: TestServer, client: TestClient) {
  const seen = { rounds: 0, failures: [] as string[] };
  let secret = client.secret;
  let stopped = false;
  const expectOk = async (what: string, answer: Response): Promise<Response> => {
    if (!answer.ok) seen.failures.push(`${what}: ${answer.status} ${await answer.clone().text()}`);
    return answer;
  };
  const run = async (): Promise<void> => {
    const kept: string[] = [];
    while (!stopped) {
      const authorization = basic({ id: client.id, secret });
      const asked = await server.ask('/api/auth/token', form({ grant_type: 'client_credentials' }, { authorization }));
      const { access_token } = (await (await expectOk('token', asked)).json()) as { access_token: string };
      kept.push(access_token);
      for (const token of [access_token, kept[0] ?? access_token])
        await (await expectOk('rates', await server.read('/api/currency/BTC', token))).arrayBuffer();
      if (kept.length > 8) kept.splice(1, 1);
      seen.rounds += 1;
    }
  };
  const running = run();
  return {
    seen,
    /** The machine rotates its own secret, and takes the new one. */
    rotate: async (): Promise<void> => {
      const headers = { 'content-type': 'application/json', authorization: basic({ id: client.id, secret }) };
      const asked = await server.ask(`/api/clients/${client.id}/secrets`, { ...json({}), headers });
      const { client_secret } = (await (await expectOk('rotation', asked)).json()) as { client_secret: string };
      secret = client_secret;
    },
    stop: (): Promise<void> => {
      stopped = true;
      return running;
    },
  };
}

eachDatabase('under load', (open) => {
  test('fifty machines call without pause while every secret and the signing key are rotated twice: none fails', async () => {
    const server = await startTestServer(await open());
    const clients: TestClient[] = [];
    // One after another: more slow hashes at once than can wait would be refused.
    for (let at = 0; at < CLIENTS; at++) {
      const client = await server.register();
      await server.token(client);
      clients.push(client);
    }
    const machines = clients.map((client) => startMachine(server, client));
    /** Each machine goes round twice more: the second time it began after everything that happened before. */
    const goRound = async (): Promise<void> => {
      const wanted = machines.map(({ seen }) => seen.rounds + 2);
      await waitFor(() => machines.every(({ seen }, at) => seen.rounds >= (wanted[at] ?? 0)), 'every machine');
    };
    const kids = new Set<string>();
    await goRound();
    for (let rotation = 0; rotation < 2; rotation++) {
      await Promise.all(machines.map((machine) => machine.rotate()));
      await goRound();
      kids.add(await rotateKey(server));
      await goRound();
    }
    await Promise.all(machines.map((machine) => machine.stop()));
    expect(machines.flatMap(({ seen }) => seen.failures)).toEqual([]);
    expect(kids.size).toBe(2);
    await server.close();
  });

  test('tokens leave no row behind', async () => {
    const database = await open();
    const server = await startTestServer(database);
    const client = await server.register();
    await server.token(client);
    const before = await countRows(database);
    for (let at = 0; at < 2_000; at++) await server.token(client);
    await server.services.maintenance.run();
    expect(await countRows(database)).toEqual(before);
    await server.close();
  });
});

/** Rotates the signing key, and lets time pass until the new one signs. @returns its kid. */
async function rotateKey(server: TestServer): Promise<string> {
  const headers = { 'x-admin-secret': ADMIN_SECRET };
  const keys = async (path = '', method = 'GET') => {
    const answer = await server.ask(`/api/admin/keys${path}`, { method, headers });
    return ((await answer.json()) as { items: { kid: string; state: string; active_from: string }[] }).items;
  };
  const next = (await keys('/rotate', 'POST')).find(({ state }) => state === 'next');
  if (next === undefined) throw new Error('no next key');
  server.pass(Date.parse(next.active_from) - server.now() + 1);
  await server.services.maintenance.run();
  const active = (await keys()).find(({ state }) => state === 'active');
  expect(active?.kid).toBe(next.kid);
  return next.kid;
}

async function countRows(database: Database): Promise<Record<string, number>> {
  const tables = Object.values(schema).filter((value) => value instanceof PgTable);
  const counts: Record<string, number> = {};
  for (const table of tables) counts[getTableConfig(table).name] = await database.rows.$count(table);
  return counts;
}
