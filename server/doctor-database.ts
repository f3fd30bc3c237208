import { sql } from 'drizzle-orm';
import { createDatabaseClock } from '../db/clock';
import { type Database, POOL_SIZE } from '../db/connect';
import { urlTargets } from '../db/connection';
import { hasDatabase } from '../db/exchange';
import { isAway, refusedCertificate, refusesParameter, speaksNoTls, sqlState } from '../db/faults';
import { FolderBusy } from '../db/folder-lock';
import { NewerDatabase } from '../db/migrate';
import { call } from '../db/rows';
import { Refusal } from '../kit/command';
import { askRunning } from '../kit/commands';
import type { Report } from '../kit/finding';
import { localUrl } from '../kit/http/listen';
import { isLoopbackName } from '../kit/http/origin';
import { createOwnFetch, type TlsFetch } from '../kit/tls/own';
import type { Config } from './config';
import { databaseFolder } from './data-commands';
import { checkKeys } from './doctor-keys';

/** What the database is looked at with. */
export interface DatabaseProcess {
  readonly fetch: TlsFetch;
  readonly now: () => number;
  readonly elapsed: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly openDatabase: (config: Config) => Promise<Database>;
  /** Makes a Refusal of what the operator can mend, with its cause. */
  readonly explained: <T>(step: Promise<T>) => Promise<T>;
}

/** Clients reject tokens of a clock that is further off: the leeway that is usual for `iat` and `nbf`; in milliseconds. */
const CLOCK_OFF_MAX_MS = 5_000;

/** Beside those for queries: one that hears of changes, one that migrates at the start. */
const FURTHER_CONNECTIONS = 2;

/** Whether the database answers, and what is in it. A running server holds an embedded one: then that is asked. */
export async function checkDatabase(config: Config, process: DatabaseProcess, report: Report): Promise<void> {
  const embedded = config.databaseUrl === null;
  if (embedded && !hasDatabase(databaseFolder(config))) {
    report.ok('database', 'there is none yet; the first start makes it');
    return;
  }
  let database: Database | null = null;
  try {
    database = await process.openDatabase(config);
    await process.explained(checkRows(database, config, process, report));
  } catch (error) {
    if (!(error instanceof Refusal)) {
      if (!embedded) throw error;
      report.fail('database', 'its files cannot be opened', adviceOn(null));
    } else if (error.cause instanceof FolderBusy && (await isServing(config, process)))
      report.ok('database', 'the running server has it, and is ready');
    else report.fail('database', error.message, adviceOn(error.cause));
  } finally {
    await database?.close();
  }
}

/** What to do about the database, by why it is of no use. */
function adviceOn(cause: unknown): string {
  if (cause instanceof FolderBusy) return 'stop that server, or set HOST and PORT as it has them, so that it is asked';
  if (cause instanceof NewerDatabase) return 'crypto-server migrate --status of that version lists what it has';
  const state = sqlState(cause) ?? '';
  if (state.startsWith('28')) return 'try the same with psql; pg_hba.conf says who may come in, and from where';
  if (state === '3D000') return 'createdb makes it; pg_restore fills it from a dump, as docs/backup.md shows';
  if (refusesParameter(cause)) return 'docs/pgbouncer.md shows the lines for it';
  if (refusedCertificate(cause) || speaksNoTls(cause)) return 'docs/tls.md says what sslmode asks of it';
  if (isAway(cause)) return 'pg_isready, with the address in DATABASE_URL, says whether it answers this machine';
  return 'docs/backup.md says how it is restored, should it be lost';
}

async function isServing(config: Config, { fetch }: DatabaseProcess): Promise<boolean> {
  const own = createOwnFetch(fetch, config.tls, 'health');
  const answer = await askRunning({ fetch: own, url: localUrl(config) }, '/health/ready').catch(() => null);
  return answer?.ok === true;
}

async function checkRows(database: Database, config: Config, process: DatabaseProcess, report: Report): Promise<void> {
  const { rows } = database;
  const version = await call(rows, sql<string>`current_setting('server_version')`);
  const askedMs = process.elapsed();
  const offMs = Math.round((await createDatabaseClock(rows)()) - process.now());
  report.ok('database', `PostgreSQL ${version} answers in ${Math.ceil(process.elapsed() - askedMs)} ms`);
  if (Math.abs(offMs) > CLOCK_OFF_MAX_MS)
    report.fail('clock', `this machine and the database differ by ${offMs} ms`, 'set both by NTP');
  else report.ok('clock', `this machine and the database differ by ${offMs} ms`);
  if (database.kind === 'postgres') {
    checkWay(config, report);
    await checkConnections(database, config, report);
    if (await database.bounded()) report.ok('bounds', 'PostgreSQL ends what takes too long, or is left half done');
    else
      report.warn(
        'bounds',
        'PostgreSQL ends no statement and no transaction of this server: a pooler has kept the bounds from it',
        'set them for the role, as docs/pgbouncer.md shows',
      );
  }
  const missing = (await database.migrationStatus()).filter(({ applied }) => !applied);
  if (missing.length > 0)
    report.warn('migrations', `${missing.length} are missing`, 'the next start applies them, or crypto-server migrate');
  else {
    report.ok('migrations', 'all of them are applied');
    await checkKeys(database, config, process, report);
  }
}

/** Who may read what goes between the server and PostgreSQL, by what DATABASE_URL asks for. */
export function checkWay({ databaseUrl }: Pick<Config, 'databaseUrl'>, report: Report): void {
  const mode = new URL(databaseUrl ?? '').searchParams.get('sslmode') ?? 'disable';
  const isHere = urlTargets(databaseUrl ?? '').every(({ host }) => isLoopbackName(host));
  if (mode.startsWith('verify'))
    report.ok('encryption', 'the way to PostgreSQL is encrypted, and its certificate checked');
  else if (isHere) report.ok('encryption', 'the way to PostgreSQL does not leave this machine');
  else if (mode === 'disable') report.warn('encryption', 'the way to PostgreSQL is not encrypted', VERIFY);
  else
    report.warn(
      'encryption',
      `whoever stands on the way to PostgreSQL may answer in its place (sslmode=${mode})`,
      VERIFY,
    );
}

const VERIFY = 'unless that network is yours alone, write sslmode=verify-full in DATABASE_URL: docs/tls.md says how';

/** What is open at the moment is this examination's and everybody else's; what is asked is whether one start fits at all. */
async function checkConnections({ rows }: Database, { workers }: Config, report: Report): Promise<void> {
  const most = Number(
    await call(
      rows,
      sql<string>`current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int`,
    ),
  );
  const wanted = workers * (POOL_SIZE + FURTHER_CONNECTIONS);
  const said = `PostgreSQL lets ${most} connections in, of which this server takes ${wanted} at most`;
  if (wanted > most) report.warn('connections', said, 'raise max_connections, or set WORKERS lower');
  else report.ok('connections', said);
}
