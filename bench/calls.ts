// What a call costs more when the client makes it: the token, the choice of a server, the fall-over that is ready.
import { lookup } from 'node:dns/promises';
import { readConfig } from '../client/config';
import { openCredentials } from '../client/services';
import { openSocket } from '../client/stream/bun-socket';
import { createLog } from '../kit/logs';
import type { Figure } from './figure';
import { newAccount, register } from './setting';
import { median } from './statistics';

/** What the calls are made to. */
export interface CallsOptions {
  /** Of a server without limits. */
  readonly serverUrl: string;
  /** An empty folder for the client. */
  readonly folder: string;
}

/** Calls of a round, one after another; rounds of both kinds alternate. */
const CALLS = 500;
const ROUNDS = 20;

/** An authorized call, in bare ones. */
const AT_MOST = 1.1;

/** All rates, read as JSON: by a bare fetch with the token in its header, and by the client's own. */
export async function measureCalls({ serverUrl, folder }: CallsOptions): Promise<Figure> {
  const account = newAccount();
  await register(serverUrl, account);
  const env = {
    CRYPTO_SERVER_URL: serverUrl,
    ISSUER: serverUrl.replace('127.0.0.1', 'localhost'),
    CLIENT_ID: account.id,
    CLIENT_SECRET: account.secret,
    DATA_DIR: folder,
  };
  const { config } = readConfig({ env, flags: {}, readFile: () => '' });
  const { credentials, close } = openCredentials(config, surroundings());
  const { tokens, fetch: call } = credentials.get(null);
  const { value: token } = await tokens.token();
  const url = `${serverUrl}/api/currency/`;
  const bare = async () => (await fetch(new Request(url, { headers: { authorization: `Bearer ${token}` } }))).json();
  const authorized = async () => (await call(new Request(url))).json();
  const rounds: { readonly bare: number; readonly authorized: number }[] = [];
  // The first is for the compiler.
  for (let round = -1; round < ROUNDS; round++) {
    const both = { bare: await microseconds(bare), authorized: await microseconds(authorized) };
    if (round >= 0) rounds.push(both);
  }
  close();
  const ratio = median(rounds.map((round) => round.authorized / round.bare));
  return {
    name: 'Authorized call of the client',
    value: median(rounds.map((round) => round.authorized)),
    unit: 'µs',
    raw: median(rounds.map((round) => round.bare)),
    hold: { of: 'ratio', measured: ratio, atMost: AT_MOST },
    note: `one after another; raw is a bare fetch of the same`,
  };
}

async function microseconds(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  for (let call = 0; call < CALLS; call++) await work();
  return ((performance.now() - begunMs) / CALLS) * 1_000;
}

function surroundings(): Parameters<typeof openCredentials>[1] {
  return {
    clock: { now: Date.now, elapsed: () => performance.now() },
    random: Math.random,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    schedule: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    fetch: (request) => fetch(request),
    openSocket,
    deadline: (ms) => AbortSignal.timeout(ms),
    lookup: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    log: createLog({
      service: 'bench',
      version: '0',
      level: 'silent',
      format: 'json',
      write: () => {},
      now: Date.now,
      colour: false,
    }),
  };
}
