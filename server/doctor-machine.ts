import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Refusal } from '../kit/command';
import { ConfigFault } from '../kit/config';
import type { Report } from '../kit/finding';
import { readTlsMaterial } from '../kit/tls/material';
import { readAuthorities } from './authorities';
import { type Config, secretFiles } from './config';
import { readPemCertificates } from './x509/chain';

/** A tick writes a few kilobytes: with less than this a day's may not fit; in bytes. */
const FREE_MIN = 256 * 1024 * 1024;

/** Each connection takes one: the 10,000 streams that a server is measured with, and as many again as it needs for itself and others. */
const FILES_MIN = 12_000;

const OTHERS = 0o077; // every permission of group and world

/** The certificate files, and how long the certificate is good. */
export function checkTls({ tls }: Config, nowMs: number, report: Report): void {
  if (tls === null) return;
  try {
    const { endsMs, warnings } = readTlsMaterial(tls, nowMs);
    for (const warning of warnings) report.warn('files', warning, 'docs/tls.md says how they are renewed');
    report.ok('end', `the certificate is good until ${new Date(endsMs).toISOString()}`);
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    for (const fault of error.faults) report.fail('files', fault, 'docs/tls.md says what is asked of them');
  }
}

/** The authorities of clients with certificates: a start reads them too. */
export function checkAuthorities({ mtlsCaFile }: Pick<Config, 'mtlsCaFile'>, nowMs: number, report: Report): void {
  if (mtlsCaFile === null) return;
  try {
    const ended = readPemCertificates(readAuthorities(mtlsCaFile)).filter(({ validTo }) => Date.parse(validTo) < nowMs);
    for (const { subject, validTo } of ended)
      report.warn(
        'authorities',
        `${oneLine(subject)} in MTLS_CA_FILE ended at ${new Date(validTo).toISOString()}`,
        ENDED,
      );
    if (ended.length === 0) report.ok('authorities', 'those of clients with certificates can be read');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    report.fail('authorities', error.message, 'docs/guide.md says what they are for');
  }
}

const ENDED = 'no certificate of that authority is good any more: take it out, or put its next one in';

/** A name as Node has it is a line for each part. */
function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}

/** DATA_DIR: its room, who may look into it, and the key in it. */
export function checkFiles(config: Config, report: Report): void {
  const { dataDir } = config;
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
  checkEncryptionKey(config, report);
}

function checkEncryptionKey(config: Config, report: Report): void {
  const file = secretFiles(config.dataDir).KEY_ENCRYPTION_KEY;
  if (config.keyEncryptionKey !== null) report.ok('encryption key', 'it is given as KEY_ENCRYPTION_KEY');
  else if (!existsSync(file)) report.ok('encryption key', 'there is none yet; the first start makes it');
  else if (keyOfFile(config) !== null) report.ok('encryption key', `it is in ${file}: keep a copy elsewhere`);
  else
    report.fail('encryption key', `${file} cannot be read, or is empty`, 'let this user read it, or put the key back');
}

/** The key-encryption key in DATA_DIR; null where none can be read. */
export function keyOfFile({ dataDir }: Pick<Config, 'dataDir'>): string | null {
  try {
    return readFileSync(secretFiles(dataDir).KEY_ENCRYPTION_KEY, 'utf8').replace(/\r?\n$/, '') || null;
  } catch {
    // Said above, where it is not merely missing.
    return null;
  }
}

/** How many files this user's processes may have open; nothing is said where the system does not tell. */
export function checkOpenFiles(report: Report): void {
  const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : '';
  // The second number: the runtime raises its own limit to that at its start.
  const most = /^Max open files +\d+ +(\d+|unlimited)/m.exec(limits)?.[1];
  if (most === undefined) return;
  const said = `${most} files may be open, of which each connection takes one`;
  if (Number(most) < FILES_MIN) report.warn('open files', said, `ulimit -Hn ${FILES_MIN}, or LimitNOFILE of systemd`);
  else report.ok('open files', said);
}
