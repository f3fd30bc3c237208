import type { Log } from '../kit/logs';
import { type Account, createAccount } from './account/account';
import type { Lookup } from './account/private-address';
import { createCredentialStore } from './account/store';
import { authorizedFetch } from './auth/authorized-fetch';
import type { Config } from './config';
import type { Clock, Deadline, Fetch, Random, RandomBytes, Schedule } from './ports';
import { createFeed, type Feed } from './rates/feed';
import type { SeenRate } from './rates/model';
import { createServerApi, type ServerApi } from './server-api';
import { openVault, type Vault } from './vault/vault';

/** What the client takes from the process it runs in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly lookup: Lookup;
  readonly log: Log;
}

/** Everything that a client is made of, with or without a port to listen on. */
export interface Services {
  readonly account: Account;
  readonly feed: Feed;
  readonly server: ServerApi;
  /** Ends what goes on in the background and closes the vault. */
  close(): void;
}

/** The fresh rates and the ones shown before, if any. */
export type Shown = (rates: readonly SeenRate[], before: readonly SeenRate[] | null) => void;

/** Wires the client. Throws `VaultFault` when its credential cannot be read. Nothing is sent yet. */
export function createServices(config: Config, given: Surroundings, shown: Shown = () => {}): Services {
  const vault = openWhenNeeded(config, given);
  const store = createCredentialStore(vault.open);
  const account = createAccount({ ...config, ...given, vault: store, configured: config.credential });
  const guarded = authorizedFetch(given.fetch, account);
  const server = createServerApi({ ...config, ...given, authorizedFetch: guarded });
  const feed = createFeed({ ...config, ...given, fetchRates: server.rates, shown });
  return {
    account,
    feed,
    server,
    close() {
      feed.stop();
      account.close();
      vault.close();
    },
  };
}

/** A client with its credential in the environment needs no folder to write to. */
function openWhenNeeded(config: Config, { randomBytes, log }: Surroundings): { open: () => Vault; close: () => void } {
  const { dataDir: folder, vaultKey: key, vaultKeyPrevious: previousKey } = config;
  let vault: Vault | null = null;
  return {
    open: () => {
      if (vault !== null) return vault;
      vault = openVault({ folder, key, previousKey, randomBytes });
      if (vault.resealed > 0) log.info('the vault is sealed with another key from now on', { rows: vault.resealed });
      return vault;
    },
    close: () => vault?.close(),
  };
}
