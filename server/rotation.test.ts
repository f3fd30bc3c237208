// What users of such systems wish for most: nothing fails while secrets and keys are rotated, and nothing piles up.
import { beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Database } from '../db/connect';
import * as schema from '../db/schema';
import { eachDatabase } from '../db/testing';
import { insertClient } from './clients/testing-clients';
import { ADMIN_SECRET, basic, form, json, startTestServer, type TestClient, type TestServer, waitFor } from './testing';
import { askWith, createProver, nonceOf, prove } from './tokens/testing-proofs';

const CLIENTS = 50;

/** Some have a secret of their own choosing: such are hashed slowly, which is measured elsewhere. */
const WITH_CHOSEN_SECRETS = 5;

const MINUTE_MS = 60_000;

/** Checks a token as somebody else's API does. */
type Verify = (token: string) => Promise<void>;

/** A resource server that keeps the key set for as long as its headers allow (RFC 9111), and asks no sooner for a key it does not know. */
function startResourceServer(server: TestServer) {
  const seen = { reads: 0, kids: new Set<string>() };
  let goodUntil = Number.NEGATIVE_INFINITY;
  let keys: Promise<ReturnType<typeof createLocalJWKSet>>;
  const readKeys = async () => {
    const answer = await server.ask('/.well-known/jwks.json');
    const [, seconds] = /max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '') ?? [];
    goodUntil = server.now() + Number(seconds) * 1_000;
    seen.reads += 1;
    return createLocalJWKSet((await answer.json()) as JSONWebKeySet);
  };
  const verify: Verify = async (token) => {
    if (server.now() >= goodUntil) {
      goodUntil = Number.POSITIVE_INFINITY;
      keys = readKeys();
    }
    await jwtVerify(token, await keys, {
      issuer: server.issuer,
      audience: `${server.issuer}/api/currency`,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(server.now()),
    });
    seen.kids.add(decodeProtectedHeader(token).kid ?? '');
  };
  return { seen, verify };
}

/** A machine that asks for tokens and uses them until it is stopped; it keeps its tokens for a while, as machines do. */
function startMachine(server: TestServer, client: TestClient, verify: Verify) {
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
      await verify(access_token).catch((error: unknown) => seen.failures.push(`elsewhere: ${error}`));
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

/** A client with a secret that the server made: such cost no slow hash. */
async function registerGenerated(server: TestServer): Promise<TestClient> {
  const answer = await server.ask('/api/clients', json({ client_name: 'Machine' }));
  const { client_id: id, client_secret: secret } = (await answer.json()) as Record<string, string>;
  return { id: id ?? '', secret: secret ?? '' };
}

eachDatabase('under load', (open) => {
  let database: Database;
  // Apart from the tests: on a busy machine the embedded engine alone takes half a minute to start.
  beforeAll(async () => {
    database = await open();
  });

  test('fifty machines call without pause while every secret and the signing key are rotated twice, and a resource server that keeps the key set for its time verifies their tokens: none fails', async () => {
    const server = await startTestServer(database);
    const clients: TestClient[] = [];
    // One after another: more slow hashes at once than can wait would be refused.
    for (let at = 0; at < CLIENTS; at++) {
      const client = at < WITH_CHOSEN_SECRETS ? await server.register() : await registerGenerated(server);
      await server.token(client);
      clients.push(client);
    }
    const elsewhere = startResourceServer(server);
    const machines = clients.map((client) => startMachine(server, client, elsewhere.verify));
    /** Each machine goes round twice more: the second time it began after everything that happened before. */
    const goRound = async (): Promise<void> => {
      const wanted = machines.map(({ seen }) => seen.rounds + 2);
      await waitFor(() => machines.every(({ seen }, at) => seen.rounds >= (wanted[at] ?? 0)), 'every machine');
    };
    const kids: string[] = [];
    await goRound();
    for (let rotation = 0; rotation < 2; rotation++) {
      await Promise.all(machines.map((machine) => machine.rotate()));
      await goRound();
      kids.push(await rotateKey(server, goRound));
      await goRound();
    }
    await Promise.all(machines.map((machine) => machine.stop()));
    expect(machines.flatMap(({ seen }) => seen.failures)).toEqual([]);
    expect(new Set(kids).size).toBe(2);
    expect([...elsewhere.seen.kids]).toEqual(expect.arrayContaining(kids));
    // Once at the start, and once before each new key: never because a key was not known.
    expect(elsewhere.seen.reads).toBe(3);
    await server.close();
  });

  test('tokens leave no row behind', async () => {
    const server = await startTestServer(database);
    const client = await server.register();
    const { byProof, byAssertion } = await createAskers(database, server, client);
    await server.token(client);
    await server.services.maintenance.run();
    await server.services.audit.flush();
    const before = await countRows(database);
    for (let at = 0; at < 2_000; at++) await server.token(client);
    for (let at = 0; at < 250; at++) {
      await byProof();
      await byAssertion();
    }
    await server.services.audit.flush();
    // Each assertion has left its id, so that nobody uses it again; it goes when the assertion has ended.
    expect(await countRows(database)).toEqual({ ...before, used_assertions: 250 });
    server.pass(10 * MINUTE_MS);
    await server.services.maintenance.run();
    await server.services.audit.flush();
    expect(await countRows(database)).toEqual(before);
    await server.close();
  });
});

test('docs/tables.md says of every table what bounds it', () => {
  const doc = readFileSync(join(import.meta.dir, '../docs/tables.md'), 'utf8');
  const rows = [...doc.matchAll(/^\| `(\w+)` \| .+ \| (.{5,}) \|$/gm)].map(([, table = '']) => table);
  expect(rows.toSorted()).toEqual(
    tables()
      .map((table) => getTableConfig(table).name)
      .toSorted(),
  );
});

/** Asks for tokens by a DPoP proof beside a secret, and by a signed assertion. */
async function createAskers(database: Database, server: TestServer, client: TestClient) {
  const expectToken = async (asked: Response): Promise<void> => expect(asked.status).toBe(200);
  const prover = await createProver();
  const nonce = await nonceOf(server, client, prover);
  const pair = await generateKeyPair('ES256', { extractable: true });
  const keys = [{ ...(await exportJWK(pair.publicKey)) }];
  const clientId = await insertClient(database, { authMethod: 'private_key_jwt', jwks: { keys } });
  return {
    byProof: async () => {
      const claims = { htm: 'POST', htu: `${server.issuer}/api/auth/token`, iat: server.now() / 1_000, nonce };
      await expectToken(await askWith(server, client, await prove(prover, claims)));
    },
    byAssertion: async () => {
      const exp = server.now() / 1_000 + 300;
      const jti = crypto.randomUUID();
      const assertion = await new SignJWT({ iss: clientId, sub: clientId, aud: server.issuer, exp, jti })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(pair.privateKey);
      const parameters = {
        grant_type: 'client_credentials',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      };
      await expectToken(await server.ask('/api/auth/token', form(parameters)));
    },
  };
}

/**
 * Rotates the signing key, and lets time pass until the new one signs. Four minutes before it does the machines go round: who
 * keeps the key set for five minutes reads it then, and has to do with that. @returns its kid.
 */
async function rotateKey(server: TestServer, goRound: () => Promise<void>): Promise<string> {
  const headers = { 'x-admin-secret': ADMIN_SECRET };
  const keys = async (path = '', method = 'GET') => {
    const answer = await server.ask(`/api/admin/keys${path}`, { method, headers });
    return ((await answer.json()) as { items: { kid: string; state: string; active_from: string }[] }).items;
  };
  const next = (await keys('/rotate', 'POST')).find(({ state }) => state === 'next');
  if (next === undefined) throw new Error('no next key');
  server.pass(Date.parse(next.active_from) - server.now() - 4 * MINUTE_MS);
  await goRound();
  server.pass(4 * MINUTE_MS);
  await server.services.maintenance.run();
  const active = (await keys()).find(({ state }) => state === 'active');
  expect(active?.kid).toBe(next.kid);
  return next.kid;
}

function tables(): PgTable[] {
  return Object.values(schema).filter((value) => value instanceof PgTable);
}

async function countRows(database: Database): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables()) counts[getTableConfig(table).name] = await database.rows.$count(table);
  return counts;
}
