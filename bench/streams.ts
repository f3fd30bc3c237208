import { join } from 'node:path';
import type { Figure } from './figure';
import type { Followed, FollowersTask } from './followers';
import { residentMegabytes, type ServerOptions, startServer } from './processes';
import { goodAnswer, newAccount, register, tokenForm, tokenIn } from './setting';

/** Readers on one server (contract of the product), and how long a tick may take to reach them all, in milliseconds. */
const READERS = 10_000;
const TO_ALL_AT_MOST_MS = 1_000;

/** Those among them who read nothing. Each makes the system keep some four megabytes before the server notices. */
const STALLED = 200;

/** Open at the same time. */
export const CONNECTIONS = READERS + STALLED;

/** Fewer than one client may have open. */
const STREAMS_PER_CLIENT = 240;

/** So many currencies make a message of which a few dozen fill what the system keeps; readers take thirteen of them. */
const MORE_CURRENCIES = 2_000;

/** Long enough for stalled readers to be noticed and cut; in milliseconds. */
const PATIENCE_MS = 120_000;

/** How ticks reach ten thousand readers, and what becomes of those who do not read. */
export async function measureStreams(options: ServerOptions & { databaseUrl: string }): Promise<Figure[]> {
  await using server = await startServer(options);
  await addCurrencies(options.databaseUrl);
  const tokens: string[] = [];
  for (let count = 0; count < CONNECTIONS / STREAMS_PER_CLIENT; count++) {
    const account = newAccount();
    await register(server.url, account);
    tokens.push(tokenIn(await goodAnswer(server.url, tokenForm(account))));
  }
  const beforeMb = residentMegabytes(server.pid);
  const followers = startFollowers({
    port: Number(new URL(server.url).port),
    tokens,
    readers: READERS,
    stalled: STALLED,
  });
  try {
    await followers.open();
    const cutAfterMs = await untilCut(server.url, options.signal);
    const residentMb = residentMegabytes(server.pid);
    const { messages, ticks, p50Ms, p99Ms, maxMs, notInStep, closed } = await followers.result();
    const lost = notInStep + closed + (ticks * READERS - messages);
    const hold = { of: 'value', measured: maxMs, atMost: TO_ALL_AT_MOST_MS } as const;
    const note = `${ticks} ticks; median ${p50Ms} ms`;
    return [
      { name: `A tick to all of ${READERS} WebSockets`, value: maxMs, unit: 'ms', raw: null, hold, note },
      { name: '  p99', value: p99Ms, unit: 'ms', raw: null, hold: null, note: '' },
      {
        name: '  ticks that one of them missed, or got late in one with another',
        value: lost + 1,
        unit: 'same',
        raw: null,
        hold: { of: 'value', measured: lost + 1, atMost: 1 },
        note: `${STALLED} more read nothing: all cut after ${(cutAfterMs / 1_000).toFixed(0)} s`,
      },
      {
        name: '  resident memory with them',
        value: residentMb,
        unit: 'MB',
        raw: null,
        hold: null,
        note: `${beforeMb.toFixed(0)} MB before; ${MORE_CURRENCIES} more currencies`,
      },
    ];
  } finally {
    await followers.end();
  }
}

async function addCurrencies(databaseUrl: string): Promise<void> {
  await using sql = new Bun.SQL(databaseUrl);
  await sql.begin(async (tx) => {
    await tx`insert into currency_rates (symbol, name, rate, anchor_rate)
      select 'X' || n, 'Currency ' || n, 1 + n, 1 + n from generate_series(1, ${MORE_CURRENCIES}) n`;
    await tx`update market set catalogue_version = catalogue_version + 1`;
  });
}

/** @returns how long it took until all that stall were cut. */
async function untilCut(url: string, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const [, cut = '0'] = /^crypto_server_stream_cuts_total\{reason="too_slow"\} (\d+)$/m.exec(metrics) ?? [];
    const tookMs = performance.now() - startedMs;
    if (Number(cut) >= STALLED) return tookMs;
    if (tookMs > PATIENCE_MS) throw new Error(`Of ${STALLED} readers that stall, ${cut} were cut.`);
    signal.throwIfAborted();
    await Bun.sleep(500);
  }
}

function startFollowers(task: FollowersTask) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'followers.ts'), JSON.stringify(task)], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const next = async (): Promise<string> => {
    const { value } = await lines.read();
    if (value === undefined) throw new Error('The followers ended before their time.');
    return value;
  };
  return {
    open: async (): Promise<void> => void (await next()),
    result: async (): Promise<Followed> => {
      await child.stdin.end();
      return JSON.parse(await next()) as Followed;
    },
    end: async (): Promise<void> => {
      child.kill();
      await child.exited;
    },
  };
}
