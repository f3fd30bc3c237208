import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { createDatabaseClock } from '../db/clock';
import { type Database, POOL_SIZE } from '../db/connect';
import { call } from '../db/rows';
import { Refusal } from '../kit/command';
import { askRunning } from '../kit/commands';
import { ConfigFault } from '../kit/config';
import { type Finding, type Report, renderFindings, reportOn } from '../kit/finding';
import { localUrl } from '../kit/http/listen';
import type { Output } from '../kit/output';
import { readTlsMaterial } from '../kit/tls/material';
import { createOwnFetch, type TlsFetch } from '../kit/tls/own';
import { type Config, type Configuration, secretFiles } from './config';
import { databaseFolder } from './data-commands';
import { createBox } from './vault/box';
import { sealName } from './vault/service';
import { createVaultStore } from './vault/store';

/** What an examination takes from the process it runs in. */
export interface DoctorProcess {
  readonly configure: () => Configuration;
  readonly write: Output;
  readonly fetch: TlsFetch;
  readonly now: () => number;
  readonly elapsed: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly openDatabase: (config: Config) => Promise<Database>;
  /** Makes a Refusal of what the operator can mend. */
  readonly explained: <T>(step: Promise<T>) => Promise<T>;
}

/** Clients reject tokens of a clock that is further off: the leeway that is usual for `iat` and `nbf`; in milliseconds. */
const CLOCK_OFF_MAX_MS = 5_000;

/** A tick writes a few kilobytes: with less than this a day's may not fit; in bytes. */
const FREE_MIN = 256 * 1024 * 1024;

/** Beside those for queries: one that hears of changes, one that migrates at the start. */
const FURTHER_CONNECTIONS = 2;

const OTHERS = 0o077; // every permission of group and world

/** `doctor`: looks at what the server stands on, without changing it. @throws Refusal when something is wrong. */
export async function doctor(process: DoctorProcess, json: boolean): Promise<void> {
  const findings = await examine(process);
  const failed = findings.filter(({ state }) => state === 'fail').length;
  process.write.out(
    json ? `${JSON.stringify({ ok: failed === 0, findings }, null, 2)}\n` : renderFindings(findings, false),
  );
  if (failed > 0) throw new Refusal(`${failed} ${failed === 1 ? 'thing is' : 'things are'} wrong.`);
}

async function examine(process: DoctorProcess): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const about = (area: string): Report => reportOn(area, (finding) => findings.push(finding));
  const settings = about('configuration');
  try {
    const { config, warnings } = process.configure();
    for (const warning of warnings)
      settings.warn('settings', warning, 'crypto-server config shows where it comes from');
    if (warnings.length === 0) settings.ok('settings', 'all of them can be read');
    checkTls(config, process, about('certificate'));
    checkFiles(config, about('data'));
    await checkDatabase(config, process, about('database'));
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    for (const fault of error.faults) settings.fail('settings', fault, 'crypto-server --help lists all of them');
  }
  return findings;
}

function checkTls({ tls }: Config, { now }: DoctorProcess, report: Report): void {
  if (tls === null) return;
  try {
    const { endsMs, warnings } = readTlsMaterial(tls, now());
    for (const warning of warnings) report.warn('files', warning, 'docs/tls.md says how they are renewed');
    report.ok('end', `the certificate is good until ${new Date(endsMs).toISOString()}`);
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    for (const fault of error.faults) report.fail('files', fault, 'docs/tls.md says what is asked of them');
  }
}

function checkFiles({ dataDir }: Config, report: Report): void {
  let there = dataDir;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = `${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free for DATA_DIR`;
  if (bavail * bsize < FREE_MIN) report.fail('disk', free, 'make room, or set DATA_DIR to another disk');
  else report.ok('disk', free);
  const open = [dataDir, ...Object.values(secretFiles(dataDir))].filter(
    (path) => existsSync(path) && (statSync(path).mode & OTHERS) !== 0,
  );
  for (const path of open) report.warn('permissions', `${path} is open to others`, `chmod go-rwx ${path}`);
  if (open.length === 0) report.ok('permissions', `what is in ${dataDir} is its owner's alone`);
}

async function checkDatabase(config: Config, process: DoctorProcess, report: Report): Promise<void> {
  const embedded = config.databaseUrl === null;
  if (embedded && !existsSync(join(databaseFolder(config), 'data'))) {
    report.ok('database', 'there is none yet; the first start makes it');
    return;
  }
  let database: Database | null = null;
  try {
    database = await process.openDatabase(config);
    await process.explained(checkRows(database, config, process, report));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (embedded && database === null && (await isServing(config, process)))
      report.ok('database', 'the running server has it, and is ready');
    else report.fail('database', error.message, 'docs/backup.md says how it is restored, should it be lost');
  } finally {
    await database?.close();
  }
}

async function isServing(config: Config, { fetch }: DoctorProcess): Promise<boolean> {
  const own = createOwnFetch(fetch, config.tls, 'health');
  const answer = await askRunning({ fetch: own, url: localUrl(config) }, '/health/ready').catch(() => null);
  return answer?.ok === true;
}

async function checkRows(database: Database, config: Config, process: DoctorProcess, report: Report): Promise<void> {
  const { rows } = database;
  const version = await call(rows, sql<string>`current_setting('server_version')`);
  const askedMs = process.elapsed();
  const offMs = Math.round((await createDatabaseClock(rows)()) - process.now());
  report.ok('database', `PostgreSQL ${version} answers in ${Math.ceil(process.elapsed() - askedMs)} ms`);
  if (Math.abs(offMs) > CLOCK_OFF_MAX_MS)
    report.fail('clock', `this machine and the database differ by ${offMs} ms`, 'set both by NTP');
  else report.ok('clock', `this machine and the database differ by ${offMs} ms`);
  if (database.kind === 'postgres') await checkConnections(database, config, report);
  const missing = (await database.migrationStatus()).filter(({ applied }) => !applied);
  if (missing.length > 0)
    report.warn('migrations', `${missing.length} are missing`, 'the next start applies them, or crypto-server migrate');
  else {
    report.ok('migrations', 'all of them are applied');
    await checkKeys(database, config, process, report);
  }
}

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

async function checkKeys({ rows }: Database, config: Config, process: DoctorProcess, report: Report): Promise<void> {
  const keys = [config.keyEncryptionKey ?? keyOfFile(config), config.previousKeyEncryptionKey].filter(
    (key) => key !== null,
  );
  const boxes = keys.map((key) => createBox(key, process.randomBytes));
  let all = 0;
  let shut = 0;
  await createVaultStore(rows).change((sealed) => {
    all = sealed.length;
    shut = sealed.filter((row) => boxes.every((box) => box.open(row.sealed, sealName(row)) === null)).length;
    return { made: [], resealed: [] };
  }, new Date(process.now()));
  if (shut > 0)
    report.fail(
      'keys',
      `${shut} of ${all} do not open`,
      'give the key that they were encrypted with as KEY_ENCRYPTION_KEY',
    );
  else report.ok('keys', `all ${all} open`);
}

function keyOfFile({ dataDir }: Config): string | null {
  const file = secretFiles(dataDir).KEY_ENCRYPTION_KEY;
  return existsSync(file) ? readFileSync(file, 'utf8').replace(/\r?\n$/, '') : null;
}
