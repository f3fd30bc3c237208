// `bun run bench`: the figures that the product holds, measured on the compiled server beside a bare Bun.serve.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPostgres, startPostgres } from '../db/testing-postgres';
import { standardOutput } from '../kit/output';
import { AUTHORITY, hasOpenssl, makeCertificate } from '../kit/testing-certificates';
import { ROOT } from '../scripts/build';
import { hasRedis } from '../server/redis/testing-redis';
import { measureCalls } from './calls';
import { runMeasurement } from './command';
import { allHeld, type Figure } from './figure';
import { WRK_MISSING } from './load';
import { measureMarket } from './market';
import { measureMethods } from './methods';
import { peakMegabytes, residentMegabytes, startServer, temporaryFolder } from './processes';
import { measureRedis } from './redis';
import { describeMachine, renderJson, renderTable } from './report';
import { type Account, disable, goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { measureStarts } from './startup';
import { CONNECTIONS, measureStreams } from './streams';
import { type Pace, race } from './throughput';
import { measureTiming } from './timing';
import { measureWorkers } from './workers';

const USAGE = 'bun run bench [--quick] [--json]';

/** Resident memory after load with PostgreSQL, in MB. */
const RESIDENT_AT_MOST_MB = 150;

/** From the last answer until memory is read, in milliseconds: the runtime collects garbage when it has nothing else to do. */
const REST_MS = 10_000;

/** Disabled clients that take turns; see `Refusals`. */
const DISABLED_CLIENTS = 16;

/** A round is longer than the 3 s between two ticks, so that each has one. */
const FULL = { pace: { rounds: 5, seconds: 5, warmUpSeconds: 3 }, starts: 5, refusals: 400 };
const QUICK = { pace: { rounds: 3, seconds: 2, warmUpSeconds: 1 }, starts: 3, refusals: 100 };

interface Scene {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly pace: Pace;
  readonly refusals: number;
  readonly signal: AbortSignal;
}

const write = standardOutput();
const progress = (doing: string): void => write.err(`${doing} …\n`);

/** Everything that is measured on one server under load. */
async function measureServer({ folder, databaseUrl, pace, refusals, signal }: Scene): Promise<Figure[]> {
  const authority = makeCertificate({ subject: '/CN=Benchmark', extensions: AUTHORITY });
  const authorities = join(folder, 'authorities.pem');
  writeFileSync(authorities, authority.cert);
  await using server = await startServer({ folder, databaseUrl, authorities, signal });
  const options = { pace, folder, signal };
  const account = newAccount();
  await register(server.url, account);
  const tokenAnswer = await goodAnswer(server.url, tokenForm(account));
  const ratesShot = ratesRequest(tokenIn(tokenAnswer));
  progress('Rates');
  const rates = await race(
    {
      name: `GET ${ratesShot.path}`,
      shot: () => ratesShot,
      answer: await goodAnswer(server.url, ratesShot),
      ratioAtLeast: 0.6,
      p99AtMostMs: 5,
    },
    server,
    options,
  );
  progress('Tokens');
  const shot = tokenForm(account);
  const tokens = await race(
    {
      name: `POST ${shot.path}, chosen secret`,
      shot: () => shot,
      answer: tokenAnswer,
      ratioAtLeast: 0.15,
      p99AtMostMs: 10,
    },
    server,
    options,
  );
  progress('Introspection, revocation, ways of authenticating');
  const methods = await measureMethods(server, { ...options, shortPace: QUICK.pace, databaseUrl, authority });
  const memory = await memoryFigure(server.pid);
  progress('Calls of the client');
  const calls = await measureCalls({ serverUrl: server.url, folder: join(folder, 'client') });
  progress('Timing of refusals');
  const disabled = Array.from({ length: DISABLED_CLIENTS }, newAccount);
  for (const one of disabled) {
    await register(server.url, one);
    await disable(databaseUrl, one);
  }
  let turn = 0;
  const disabledClient = (): Account => disabled[turn++ % disabled.length] ?? newAccount();
  const wrongSecret = (): Account => ({ ...account, secret: newAccount().secret });
  const timing = await measureTiming(
    server.url,
    { unknownClient: newAccount, wrongSecret, disabledClient },
    { each: refusals, signal },
  );
  return [...rates, ...tokens, ...methods, memory, calls, ...timing];
}

/** Read once the garbage of the load has been collected; what there was before that is said beside it. */
async function memoryFigure(pid: number): Promise<Figure> {
  await Bun.sleep(REST_MS);
  const value = residentMegabytes(pid);
  const hold = { of: 'value', measured: value, atMost: RESIDENT_AT_MOST_MB } as const;
  const note = `PostgreSQL; ${peakMegabytes(pid).toFixed(0)} MB at most while it lasted`;
  return { name: 'Resident memory after load', value, unit: 'MB', raw: null, hold, note };
}

async function main(flags: { quick: boolean; json: boolean }, signal: AbortSignal): Promise<number> {
  const { pace, starts, refusals } = flags.quick ? QUICK : FULL;
  progress('Starting PostgreSQL');
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const postgres = stack.adopt(await startPostgres(), async ({ stop, close }) => {
    await stop();
    await close();
  });
  const sql = stack.use(new Bun.SQL(postgres.url));
  const [facts] = await sql`show server_version`;
  const machine = describeMachine(String(facts.server_version).split(' ')[0] ?? '');
  let databases = 0;
  const newDatabase = async (): Promise<string> => {
    const name = `bench_${++databases}`;
    await sql.unsafe(`create database ${name}`);
    return postgres.urlOf(name);
  };
  const newFolder = (name: string): string => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };
  progress('Starts');
  const started = await measureStarts({ runs: starts, folder, signal, newDatabase });
  const served = await measureServer({
    folder: newFolder('server'),
    databaseUrl: await newDatabase(),
    pace,
    refusals,
    signal,
  });
  progress('Streams');
  const streamed = await measureStreams({ folder: newFolder('streams'), databaseUrl: await newDatabase(), signal });
  progress('Workers');
  const worked = await measureWorkers({ folder: newFolder('workers'), pace, signal, newDatabase });
  progress(hasRedis() ? 'Redis' : 'Redis is left out: there is no redis-server on the PATH');
  const shared = await measureRedis({ folder: newFolder('redis'), pace: QUICK.pace, signal, newDatabase });
  progress('Market');
  const market = await measureMarket({ folder: newFolder('market'), signal, newDatabase });
  const figures = [...served, ...worked, ...shared, ...streamed, ...market, ...started];
  write.out(flags.json ? renderJson(machine, figures) : `\n${renderTable(machine, figures)}`);
  return allHeld(figures) ? 0 : 1;
}

/** What is missing to measure at all, as one line; null when all is there. */
function missing(): string | null {
  if (Bun.which('wrk') === null) return WRK_MISSING;
  if (findPostgres() === null)
    return 'The benchmarks need PostgreSQL. Debian and Ubuntu: apt-get install postgresql. macOS: brew install postgresql.';
  if (!hasOpenssl()) return 'The benchmarks need openssl. Debian and Ubuntu: apt-get install openssl.';
  const files = Number(Bun.spawnSync(['sh', '-c', 'ulimit -Hn']).stdout.toString());
  if (files < CONNECTIONS * 1.1) return `The benchmarks open ${CONNECTIONS} connections: ulimit -n 16384.`;
  if (!existsSync(join(ROOT, 'crypto-server'))) return 'There is no ./crypto-server yet: bun run build.';
  return null;
}

function readFlags(): { quick: boolean; json: boolean } {
  const options = { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } as const;
  return parseArgs({ options }).values;
}

await runMeasurement({ usage: USAGE, write, readFlags, missing, main });
