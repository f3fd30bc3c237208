import { Refusal } from '../../kit/command';
import { type FieldFault, Problem } from '../../kit/http/problem';
import { TokenError } from '../auth/token';
import type { Config } from '../config';
import type { Credentials } from '../credentials/registry';
import { openCredentials } from '../services';
import { traced } from '../traced';
import { EnvelopeFault } from '../vault/envelope';
import { VaultFault } from '../vault/fault';
import type { Vault } from '../vault/vault';
import type { Process } from './process';

/** The credentials and where they are kept. */
export interface Opened {
  readonly credentials: Credentials;
  readonly vault: () => Vault;
  readonly config: Config;
}

/** Works on the credentials without a client that runs. What goes wrong is one line that says what to change. @throws Refusal */
export async function openedCredentials(process: Process, work: (opened: Opened) => Promise<void>): Promise<void> {
  const { config } = process.configure();
  const log = process.openLog(config.logLevel === 'debug' ? config : { ...config, logLevel: 'silent' });
  const opened = openCredentials(config, { ...process, log, fetch: traced({ ...process, log }) });
  try {
    await work({ ...opened, config });
  } catch (error) {
    throw explained(error);
  } finally {
    opened.close();
  }
}

function explained(error: unknown): unknown {
  if (error instanceof Problem) return new Refusal(`${error.detail}${faultsOf(error)}`);
  const isTold = error instanceof TokenError || error instanceof VaultFault || error instanceof EnvelopeFault;
  return isTold ? new Refusal(error.message) : error;
}

/** Which members are at fault, by their names. */
function faultsOf({ members }: Problem): string {
  const { errors = [] } = members as { readonly errors?: readonly FieldFault[] };
  return errors.map(({ path, detail }) => ` ${path.slice(1)} ${detail}.`).join('');
}
