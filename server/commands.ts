import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { NothingHeard } from '../db/changes';
import { connectPostgres, type Database, offlineDatabase } from '../db/connect';
import { isAway, refusedCertificate, refusesParameter, speaksNoTls, sqlState } from '../db/faults';
import { FolderBusy } from '../db/folder-lock';
import { MigrationLocked, NewerDatabase } from '../db/migrate';
import { Refusal } from '../kit/command';
import { checkHealth, printSettings } from '../kit/commands';
import { usesSettings } from '../kit/help';
import { assertFree, localUrl } from '../kit/http/listen';
import type { Log } from '../kit/logs';
import type { Output } from '../kit/output';
import { type SignalSource, untilStopped } from '../kit/stop';
import { readTlsMaterial } from '../kit/tls/material';
import { createOwnFetch, type TlsFetch } from '../kit/tls/own';
import { TLS_SETTINGS } from '../kit/tls/settings';
import { auditCommand } from './cli/audit';
import { clientCommands } from './cli/clients';
import { keyCommands } from './cli/keys';
import { type Config, type Configuration, SETTINGS } from './config';
import { databaseFolder, dataCommands } from './data-commands';
import { doctor } from './doctor';
import { documentServer, type Process, startServer } from './serve';
import { KeyUnreadable } from './vault/box';
import { createSupervisor, type Spawn, type SupervisorOptions, WorkerFailed } from './workers/supervisor';

/** What the commands take from the process they run in. */
export interface CommandOptions extends Omit<Process, 'log' | 'fetch'> {
  readonly fetch: TlsFetch;
  readonly configure: () => Configuration;
  readonly openLog: (config: Config) => Log;
  readonly write: Output;
  /** Asks the person at the terminal; null: there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  readonly signals: SignalSource;
  readonly exit: (code: number) => never;
  readonly spawnWorker: Spawn;
  readonly schedule: SupervisorOptions['schedule'];
}

/** From the first signal to the end, in milliseconds. */
const STOP_DEADLINE_MS = 10_000;

/** The same for who waits for workers, each of which has {@link STOP_DEADLINE_MS}; in milliseconds. */
const SUPERVISOR_DEADLINE_MS = STOP_DEADLINE_MS + 1_000;

/** Adds the commands of crypto-server to its command line. */
export function createCommands(program: Command, options: CommandOptions): void {
  const { configure, write } = options;
  program
    .command('serve', { isDefault: true })
    .description('run the server')
    .action(() => seated(options));
  usesSettings(program.command('migrate'), ['DATA_DIR', 'DATABASE_URL'])
    .description('bring the database up to date')
    .option('--status', 'only list the migrations and whether they are applied')
    .option('--json', 'print JSON')
    .action((flags: { status?: true; json?: true }) => migrate(options, flags));
  usesSettings(program.command('healthcheck'), ['HOST', 'PORT', ...Object.keys(TLS_SETTINGS)])
    .description('exit with 0 when the running server is ready, else with 1')
    .option('--json', 'print JSON')
    .action(({ json = false }: { json?: boolean }) => healthcheck(options, json));
  program
    .command('doctor')
    .description('say what is well, what is not, and what to do; changes nothing')
    .option('--json', 'print JSON')
    .action(({ json = false }: { json?: boolean }) => doctor({ ...options, openDatabase, explained }, json));
  program
    .command('config')
    .description('print every setting, its value and where it came from')
    .option('--json', 'print JSON')
    .action(({ json = false }: { json?: boolean }) => printSettings(write, SETTINGS, configure(), json));
  program
    .command('openapi')
    .description('print the OpenAPI 3.1 document of the HTTP API')
    .option('--json', 'print JSON, as it does anyway')
    .action(async () => {
      const { config } = configure();
      const document = await documentServer(config, { ...options, log: options.openLog(config) });
      write.out(`${JSON.stringify(document, null, 2)}\n`);
    });
  dataCommands(program, { ...options, explained });
  clientCommands(program, options);
  keyCommands(program, options);
  auditCommand(program, options);
}

/** Serves, and gives up the seat of a worker however that ends: while it is kept the process does not end. */
async function seated(options: CommandOptions): Promise<void> {
  try {
    await serve(options);
  } finally {
    options.seat?.leave();
  }
}

async function serve(options: CommandOptions): Promise<void> {
  const { config, warnings } = options.configure();
  const opened = options.openLog(config);
  // All workers write to one place: each says which it is.
  const log = options.seat === null ? opened : opened.with({ 'process.worker': options.seat.number });
  // Who watches over workers has said so.
  if (options.seat === null) for (const warning of warnings) log.warn(warning);
  // What is wrong with the files is told before anything is made; they are read again once it listens.
  if (config.tls !== null) readTlsMaterial(config.tls, options.now());
  if (config.workers > 1 && options.seat === null) return supervise(config, options, log);
  const opening = openDatabase(config);
  try {
    const starting = opening.then((database) => explained(startServer(config, database, { ...options, log })));
    const stop = async (): Promise<void> => (await starting).stop();
    // Signals are heard from here on, also while an embedded database is opened: the first process of a container would not hear
    // them otherwise, and be killed.
    const stopped = untilStopped({ ...options, log, stop, deadlineMs: STOP_DEADLINE_MS });
    // Why a start fails is told below, once.
    const renew = (): Promise<void> => starting.then((server) => server.renewCertificate()).catch(() => {});
    if (config.tls !== null) options.signals.on('SIGHUP', () => void renew());
    await starting;
    options.seat?.ready();
    await stopped;
  } finally {
    await opening.then((database) => database.close(), nothingToClose);
  }
}

function nothingToClose(): void {}

/** Runs several processes of this server on one port, and serves nothing itself. */
async function supervise(config: Config, options: CommandOptions, log: Log): Promise<void> {
  assertFree({ hostname: config.host, port: config.port });
  const workers = createSupervisor({ ...options, count: config.workers, spawn: options.spawnWorker, log });
  const stopped = untilStopped({ ...options, log, stop: workers.stop, deadlineMs: SUPERVISOR_DEADLINE_MS });
  if (config.tls !== null) options.signals.on('SIGHUP', () => workers.signal('SIGHUP'));
  try {
    await workers.start();
  } catch (error) {
    if (error instanceof WorkerFailed) options.exit(error.code);
    throw error;
  }
  await stopped;
}

async function migrate({ configure, write }: CommandOptions, flags: { status?: true; json?: true }): Promise<void> {
  const { config } = configure();
  // To look at a database that was never made must not make it.
  const absent = flags.status && config.databaseUrl === null && !existsSync(databaseFolder(config));
  const database = absent ? offlineDatabase() : await openDatabase(config);
  try {
    if (!flags.status) await explained(database.migrate());
    const status = await explained(database.migrationStatus());
    const lines = status.map(({ name, applied }) => `${applied ? 'applied' : 'missing'}  ${name}`);
    write.out(flags.json ? `${JSON.stringify(status, null, 2)}\n` : `${lines.join('\n')}\n`);
  } finally {
    await database.close();
  }
}

function healthcheck({ configure, write, fetch }: CommandOptions, json: boolean): Promise<void> {
  const { config } = configure();
  return checkHealth({ fetch: createOwnFetch(fetch, config.tls, 'health'), write, url: localUrl(config), json });
}

async function openDatabase({ databaseUrl, dataDir }: Config): Promise<Database> {
  if (databaseUrl !== null) return connectPostgres({ url: databaseUrl });
  // Loaded when it is used: the engine is large, and a server on PostgreSQL starts sooner without it.
  const { openEmbedded } = await import('../db/embedded');
  return explained(openEmbedded({ folder: databaseFolder({ dataDir }) }));
}

/** What can go wrong at the start and can be mended by the operator, as one line, with what went wrong as its cause. */
async function explained<T>(step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (error) {
    if (error instanceof NothingHeard) throw new Refusal(POOLED_BY_TRANSACTION);
    const mended = ofItself(error) ?? ofFolder(error) ?? ofDatabase(error);
    throw mended === null ? error : new Refusal(mended, { cause: error });
  }
}

const POOLED_BY_TRANSACTION =
  'PostgreSQL tells nothing of what other servers change: DATABASE_URL leads through a pooler in transaction mode. Use session mode, or no pooler (docs/pgbouncer.md).';

const POOLER_REFUSES =
  'The pooler that DATABASE_URL names refuses statement_timeout or idle_in_transaction_session_timeout: let it ignore them (docs/pgbouncer.md).';

const STRANGE_CERTIFICATE =
  'PostgreSQL shows a certificate that has ended, is for another name, or is of an authority that this machine does not know: NODE_EXTRA_CA_CERTS names a file of further ones (docs/tls.md).';

const THAT_SAY_WHAT_TO_DO = [FolderBusy, NewerDatabase, MigrationLocked, KeyUnreadable];

/** The words of an error that says itself what to do. Null: something else. */
function ofItself(error: unknown): string | null {
  return error instanceof Error && THAT_SAY_WHAT_TO_DO.some((one) => error instanceof one) ? error.message : null;
}

/** Why DATA_DIR cannot be used. Null: something else. */
function ofFolder(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error && 'path' in error && 'syscall' in error)) return null;
  if (error.syscall === 'connect') return null;
  return `DATA_DIR cannot be used (${error.code} at ${error.path}): let this user write there, or set DATA_DIR.`;
}

/** Why PostgreSQL does not let us in, without a word of its own: that may hold names and addresses. Null: something else. */
function ofDatabase(error: unknown): string | null {
  const state = sqlState(error) ?? '';
  if (state.startsWith('28')) return 'PostgreSQL refuses the user or the password in DATABASE_URL.';
  if (refusesParameter(error)) return POOLER_REFUSES;
  if (state === '3D000') return 'The database that DATABASE_URL names does not exist: create it.';
  if (state === '25006')
    return 'PostgreSQL at DATABASE_URL lets itself be read only: name the one that takes changes, or look at its disk.';
  if (state === '53100') return 'PostgreSQL has no room left: look at its disk.';
  if (state === '42501')
    return 'The user in DATABASE_URL may not create tables in that database: grant it, or make it the owner.';
  if (refusedCertificate(error)) return STRANGE_CERTIFICATE;
  if (speaksNoTls(error))
    return 'PostgreSQL speaks no TLS at the address in DATABASE_URL: turn it on there, or leave sslmode out (docs/tls.md).';
  return isAway(error) ? 'PostgreSQL cannot be reached: check DATABASE_URL, and that it is running.' : null;
}
