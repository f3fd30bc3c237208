import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../../kit/command';
import { privateFolder, secretFile } from '../../kit/secret-file';
import type { Config } from '../config';
import type { RandomBytes } from '../ports';

/** The settings that say whether there is a password. */
export type PasswordConfig = Pick<Config, 'loopback' | 'dashboardPassword' | 'dataDir'>;

/** Random bytes of a password that is made here: 192 bits, 32 characters. */
const PASSWORD_BYTES = 24;

/** Where the password is kept that is made for a client beyond loopback. */
export function passwordFile(folder: string): string {
  return join(folder, 'dashboard-password');
}

/** The password that guards a client that serves, and the file it stands in, if it does; made on first need. Null: none is needed. @throws Refusal */
export function servingPassword(
  { loopback, dashboardPassword, dataDir }: PasswordConfig,
  randomBytes: RandomBytes,
): { readonly password: string; readonly file: string | null } | null {
  if (dashboardPassword !== null) return { password: dashboardPassword, file: null };
  if (loopback) return null;
  const file = passwordFile(dataDir);
  try {
    privateFolder(dataDir);
    const { value } = secretFile(file, () => Buffer.from(randomBytes(PASSWORD_BYTES)).toString('base64url'));
    return { password: value, file };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(`The dashboard's password cannot be kept in ${file} (${reason}): set DASHBOARD_PASSWORD.`);
  }
}

/** Headers by which a command asks the client that runs with this configuration: its password, where it can be known. */
export function askingHeaders({ loopback, dashboardPassword, dataDir }: PasswordConfig): Record<string, string> {
  const password = dashboardPassword ?? (loopback ? null : readIfThere(passwordFile(dataDir)));
  if (password === null) return {};
  return { authorization: `Basic ${Buffer.from(`crypto-client:${password}`).toString('base64')}` };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return null;
  }
}
