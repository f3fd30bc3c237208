/** `doctor`: looks at everything that the client stands on, and says what to do about what is wrong. Apart from the rest, since it must work where the rest does not. */
import { type Finding, type Report, reportOn } from '../../kit/finding';
import type { Config } from '../config';
import { VaultFault } from '../vault/fault';
import type { Vault } from '../vault/vault';
import { checkCredential, type TriedCredential } from './credentials';
import { checkData, checkPort, hasVault, type PortDeps } from './local';
import type { Network } from './network';
import { checkServer, type ServerDeps } from './server';

/** A server, and the issuer that its metadata must name. */
export interface ServerToCheck {
  readonly url: string;
  readonly issuer: string;
}

/** What an examination needs. */
export interface DoctorDeps extends ServerDeps, PortDeps {
  readonly network: Network;
  readonly openVault: () => Vault;
  /** The servers of the settings. */
  readonly servers: readonly ServerToCheck[];
  /**
   * Every credential; asked only when there is one. What is opened for them is closed with the function that comes along.
   * Throws `VaultFault` when none can be read.
   */
  readonly credentials: () => Opened;
}

/** Credentials that are open. */
export interface Opened {
  readonly tried: readonly TriedCredential[];
  readonly close: () => void;
}

/** What of the settings is looked at. */
export type Examined = Pick<Config, 'host' | 'port' | 'tls' | 'dataDir' | 'credential'>;

/** Looks at everything in the order in which it is needed. What stands on something that fails is left out. */
export async function examine(
  config: Examined,
  warnings: readonly string[],
  deps: DoctorDeps,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const about = (area: string): Report => reportOn(area, (finding) => findings.push(finding));
  const settings = about('configuration');
  const advice = 'crypto-client config shows where each setting comes from';
  for (const warning of warnings) settings.warn('settings', warning, advice);
  if (warnings.length === 0) settings.ok('settings', 'all of them can be read');
  checkData(config, deps.openVault, about('data'));
  const isWell = findings.every(({ area, state }) => area !== 'data' || state !== 'fail');
  const opened = isWell && (hasVault(config) || config.credential !== null) ? openAll(deps, about('data')) : NONE;
  try {
    await checkPort(config, deps, about('port'));
    const reached = await checkServers([...deps.servers, ...opened.tried.flatMap(serversOf)], deps, about);
    if (!hasVault(config) && config.credential === null)
      about('credentials').ok('credentials', 'there is none yet; the first start makes one and registers it');
    for (const one of opened.tried) {
      if (one.servers.some((url) => reached.has(url)))
        await checkCredential(one, deps.clock, about(`credential ${one.name}`));
    }
  } finally {
    opened.close();
  }
  return findings;
}

const NONE: Opened = { tried: [], close: () => {} };

function openAll({ credentials }: DoctorDeps, report: Report): Opened {
  try {
    return credentials();
  } catch (error) {
    if (!(error instanceof VaultFault)) throw error;
    report.fail('vault', 'the credentials cannot be read', error.message);
    return NONE;
  }
}

function serversOf({ servers, issuer }: TriedCredential): readonly ServerToCheck[] {
  return servers.map((url) => ({ url, issuer }));
}

/** Each of them once. @returns those that answer. */
async function checkServers(
  servers: readonly ServerToCheck[],
  deps: DoctorDeps,
  about: (area: string) => Report,
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const reached = new Set<string>();
  for (const { url, issuer } of servers) {
    if (seen.has(`${url} ${issuer}`)) continue;
    seen.add(`${url} ${issuer}`);
    if (await checkServer(url, issuer, deps, about(`server ${url}`))) reached.add(url);
  }
  return reached;
}
