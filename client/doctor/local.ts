import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Report } from '../../kit/finding';
import { localUrl } from '../../kit/http/listen';
import { passwordFile } from '../access/password';
import type { Config } from '../config';
import type { Deadline, Fetch } from '../ports';
import { vaultKeyFile } from '../vault/key';
import type { Vault } from '../vault/vault';
import type { Network } from './network';

const OTHERS = 0o077; // every permission of group and world
const STICKY = 0o1000; // set on folders that everybody shares

/** Where the vault of this folder is. */
function vaultFile(folder: string): string {
  return join(folder, 'vault.sqlite');
}

/** True when there is something to look at: a doctor does not make what is missing, as it may be somebody else than the client. */
export function hasVault({ dataDir }: Pick<Config, 'dataDir'>): boolean {
  return existsSync(vaultFile(dataDir));
}

/** The folder of the client, who may read it, and whether all of its vault opens. */
export function checkData(config: Pick<Config, 'dataDir'>, openVault: () => Vault, report: Report): void {
  const { dataDir } = config;
  if (!checkFolder(dataDir, report)) return;
  for (const path of [vaultFile(dataDir), vaultKeyFile(dataDir), passwordFile(dataDir)]) checkFile(path, report);
  if (hasVault(config)) checkVault(openVault, report);
  else report.ok('vault', 'there is none yet; the first start makes one');
}

function checkFolder(path: string, report: Report): boolean {
  if (!existsSync(path)) return checkParent(path, report);
  const stats = statSync(path);
  if (!stats.isDirectory()) report.fail('folder', `${path} is no folder`, 'set DATA_DIR to a folder');
  else if ((stats.mode & STICKY) !== 0)
    report.fail('folder', `${path} is shared by everybody`, 'set DATA_DIR to a folder of its own inside it');
  else if (!may(path, constants.R_OK | constants.W_OK | constants.X_OK))
    report.fail(
      'folder',
      `${path} cannot be read and written by this user`,
      'run it as the user of the client, or set DATA_DIR',
    );
  else if ((stats.mode & OTHERS) !== 0) {
    report.warn('folder', `${path} is open to others`, `chmod 700 ${path}; the next start does so too`);
    return true;
  } else {
    report.ok('folder', `${path} is this user's alone`);
    return true;
  }
  return false;
}

/** A folder that is missing is made at the start, with those above it. */
function checkParent(path: string, report: Report): boolean {
  let parent = dirname(path);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  const ok = statSync(parent).isDirectory() && may(parent, constants.W_OK | constants.X_OK);
  if (ok) report.ok('folder', `${path} is not there yet; the first start makes it`);
  else
    report.fail(
      'folder',
      `${path} cannot be made in ${parent}`,
      'set DATA_DIR to a folder that this user may write to',
    );
  return ok;
}

function checkFile(path: string, report: Report): void {
  if (!existsSync(path)) return;
  if (!may(path, constants.R_OK))
    report.fail('files', `${path} cannot be read by this user`, 'run it as the user of the client');
  else if ((statSync(path).mode & OTHERS) !== 0)
    report.warn('files', `${path} is open to others`, `chmod 600 ${path}; the next start does so too`);
}

function checkVault(openVault: () => Vault, report: Report): void {
  let vault: Vault;
  try {
    vault = openVault();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    report.fail('vault', 'it does not open', said);
    return;
  }
  try {
    const faults = vault.faults();
    for (const fault of faults) report.fail('vault', 'a row does not open', fault);
    if (faults.length === 0) report.ok('vault', `all of it opens; credentials: ${vault.list('credential').length}`);
  } finally {
    vault.close();
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** What the port is looked at with. */
export interface PortDeps {
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly network: Pick<Network, 'tryListen'>;
}

/** Longest wait for a program on this machine, in milliseconds. */
const HEALTH_MS = 3_000;

/** Whether the client can listen, or does already. */
export async function checkPort(
  { host, port, tls }: Pick<Config, 'host' | 'port' | 'tls'>,
  deps: PortDeps,
  report: Report,
): Promise<void> {
  if (port === 0) {
    report.ok('listen', 'a free port is taken at each start');
    return;
  }
  const where = `${host}:${port}`;
  const code = await deps.network.tryListen(host, port);
  if (code === null) report.ok('listen', `${where} is free`);
  else if (await isClient(localUrl({ host, port, tls }), deps))
    report.ok('listen', `a crypto-client listens on ${where}`);
  else if (code === 'EADDRINUSE')
    report.fail('listen', `another program listens on ${where}`, 'stop it, or set PORT to a free one');
  else if (code === 'EACCES') report.fail('listen', `this user may not listen on ${where}`, 'set PORT to 1024 or more');
  else report.fail('listen', `${where} cannot be listened on (${code})`, 'set HOST to an address of this machine');
}

async function isClient(url: string, { fetch, deadline }: PortDeps): Promise<boolean> {
  try {
    const answer = await fetch(new Request(`${url}/health`, { signal: deadline(HEALTH_MS) }));
    const health: unknown = await answer.json();
    return typeof health === 'object' && health !== null && 'service' in health && health.service === 'crypto-client';
  } catch {
    return false;
  }
}
