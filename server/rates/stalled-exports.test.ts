// Who asks for CSV and does not read it is cut, and his place is free for others.
import { afterAll, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { Elysia } from 'elysia';
import { createLog } from '../../kit/logs';
import { waitFor } from '../testing';
import type { Guard } from '../tokens/guard';
import { EXPORTS_PER_CLIENT_MAX } from './exports';
import type { History } from './history';
import type { TickView } from './history-model';
import { historyRoutes } from './history-routes';

/** Bun looks every four seconds which connections stand still, and so takes a little more or less for this. */
const STALLED_SECONDS = 5;
const CUT_MS = 9_000;

/** Large, and as large when it is compressed. */
const page = (): TickView[] => [{ seq: 1, rate: 1, at: randomBytes(64 * 1024).toString('base64') }];

/** More than the system takes for whoever does not read. */
async function* endless() {
  for (;;) yield page();
}

/** One that takes longer than anybody may stand still. */
async function* steady() {
  for (const until = performance.now() + CUT_MS + 500; performance.now() < until; await Bun.sleep(400)) yield page();
}

async function* short() {
  yield page();
}

const PAGES: Readonly<Record<string, () => AsyncGenerator<TickView[]>>> = {
  ENDLESS: endless,
  STEADY: steady,
  SHORT: short,
};

const claims = { jti: 'jti', audience: '', issuedAt: 0, expiresAt: 0, scopes: [], epoch: 0, kid: 'kid', binding: null };
const log = createLog({
  service: 'crypto-server',
  version: '0',
  level: 'silent',
  format: 'json',
  write: () => {},
  now: () => 0,
  colour: false,
});
const guard: Guard = (request, answer) => answer({ ...claims, clientId: request.headers.get('from') ?? '' }, {});
const history: History = {
  ticks: async (symbol) => ({
    version: 'v1',
    columns: ['seq', 'rate', 'at'],
    body: async () => ({ items: [], next_cursor: null }),
    pages: PAGES[symbol] ?? short,
  }),
  candles: () => Promise.reject(new Error('nobody asks for candles')),
};
const app = new Elysia()
  .use(historyRoutes({ history, guard, log, stalledSeconds: STALLED_SECONDS }))
  .listen({ hostname: '127.0.0.1', port: 0, idleTimeout: 75 });
const port = app.server!.port!;
afterAll(() => app.stop(true));

const ask = (symbol: string, coding: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/api/currency/${symbol}/history`, {
    ...init,
    headers: { accept: 'text/csv', 'accept-encoding': coding, from: coding },
  });

/** Asks over a connection of its own, and reads what `heard` is told. */
function open(symbol: string, coding: string, from: string, heard: (text: string) => void): Socket {
  const socket = connect(port, '127.0.0.1', () => {
    const headers = `host: localhost:${port}\r\naccept: text/csv\r\naccept-encoding: ${coding}\r\nfrom: ${from}\r\n`;
    socket.write(`GET /api/currency/${symbol}/history HTTP/1.1\r\n${headers}\r\n`);
  });
  return socket.on('error', () => {}).on('data', (chunk) => heard(chunk.toString('latin1')));
}

test.concurrent.each(['identity', 'gzip', 'zstd'])(
  'in %s, long before a connection that nobody uses',
  async (coding) => {
    let begun = 0;
    const stalled = Array.from({ length: EXPORTS_PER_CLIENT_MAX }, () => {
      const socket = open('ENDLESS', coding, coding, () => {
        begun += 1;
        socket.pause();
      });
      return socket;
    });
    await waitFor(() => begun >= stalled.length, 'all to begin');
    expect((await ask('ENDLESS', coding)).status).toBe(429);
    const leaving = new AbortController();
    const again = async (): Promise<boolean> => (await ask('ENDLESS', coding, leaving)).status === 200;
    await waitFor(again, 'a place to be free');
    leaving.abort();
    for (const socket of stalled) socket.destroy();
  },
  30_000,
);

test.concurrent.each(['SHORT', 'STEADY'])(
  'who reads is not, nor while he keeps his connection (%s)',
  async (symbol) => {
    let [ends, closed] = [0, false];
    const socket = open(symbol, 'identity', symbol, (text) => {
      if (/(?:^|\r\n)0\r\n\r\n$/.test(text)) ends += 1;
    });
    socket.on('close', () => {
      closed = true;
    });
    await Bun.sleep(CUT_MS);
    expect([ends, closed]).toEqual([symbol === 'SHORT' ? 1 : 0, false]);
    await waitFor(() => ends === 1, 'the end of it');
    socket.destroy();
  },
  30_000,
);
