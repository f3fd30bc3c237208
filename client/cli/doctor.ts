import { Refusal } from '../../kit/command';
import { ConfigFault } from '../../kit/config';
import { type Finding, renderFindings } from '../../kit/finding';
import type { Config, Configuration } from '../config';
import type { CredentialSession } from '../credentials/session';
import type { TriedCredential } from '../doctor/credentials';
import { type DoctorDeps, examine } from '../doctor/index';
import { NETWORK } from '../doctor/network';
import { createServerApi } from '../server-api';
import { createServices } from '../services';
import { openVault } from '../vault/vault';
import type { Process, ReadFlags } from './process';

/** `doctor`: what is well, what is not, and what to do. @throws Refusal when something is wrong. */
export async function doctor(process: Process, { json }: ReadFlags): Promise<void> {
  const findings = await examined(process);
  const failed = findings.filter(({ state }) => state === 'fail').length;
  const colour = process.colour && process.terminal;
  process.write.out(
    json ? `${JSON.stringify({ ok: failed === 0, findings }, null, 2)}\n` : renderFindings(findings, colour),
  );
  if (failed > 0) throw new Refusal(`${failed} ${failed === 1 ? 'thing is' : 'things are'} wrong.`);
}

async function examined(process: Process): Promise<readonly Finding[]> {
  let configuration: Configuration;
  try {
    configuration = process.configure();
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    return error.faults.map(settingFault);
  }
  const { config, warnings } = configuration;
  return examine(config, warnings, depsOf(process, config));
}

/** Without settings there is nothing else to look at. */
function settingFault(said: string): Finding {
  return {
    area: 'configuration',
    check: 'settings',
    state: 'fail',
    said,
    advice: 'crypto-client --help lists all of them',
  };
}

function depsOf(process: Process, config: Config): DoctorDeps {
  const log = process.openLog({ ...config, logLevel: 'silent' });
  return {
    ...process,
    network: NETWORK,
    servers: config.serverUrls.map((url) => ({ url, issuer: config.issuer })),
    openVault: () =>
      openVault({ ...process, folder: config.dataDir, key: config.vaultKey, previousKey: config.vaultKeyPrevious }),
    credentials: () => {
      const services = createServices(config, { ...process, log });
      const { credentials, close } = services;
      return { tried: credentials.list().map(({ name }) => triedOf(credentials.get(name), process)), close };
    },
  };
}

function triedOf({ name, servers, tokens, fetch }: CredentialSession, process: Process): TriedCredential {
  const { urls, issuer } = servers;
  const api = createServerApi({ ...process, serverUrl: urls[0] ?? '', authorizedFetch: fetch });
  return {
    name,
    servers: urls,
    issuer,
    freshToken: async () => {
      const startedMs = process.clock.now();
      const token = await tokens.token();
      // One that was kept from an earlier start says nothing of today.
      return token.obtainedAtMs >= startedMs ? token : tokens.renew(token.value);
    },
    rates: api.rates,
  };
}
