import type { Log } from '../kit/logs';
import type { Config } from './config';
import type { Lookup } from './credentials/private-address';
import { type Credentials, createCredentials } from './credentials/registry';
import type { CredentialSession } from './credentials/session';
import { type Counts, createCounts } from './metrics/counts';
import type { Clock, Deadline, Fetch, OpenSocket, Random, RandomBytes, Schedule } from './ports';
import { createFeed, type Feed } from './rates/feed';
import type { SeenRate } from './rates/model';
import { createServerApi, type ServerApi } from './server-api';
import { createServers, type Servers } from './servers/servers';
import { createReport, type StatusReport, whatMatters } from './status/report';
import { createFanOut, type FanOut } from './stream/fan-out';
import { createFollower, type Follower } from './stream/follower';
import { openVault, type Vault } from './vault/vault';
import { VERSION } from './version';

/** What the client takes from the process it runs in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  readonly fetch: Fetch;
  readonly openSocket: OpenSocket;
  readonly deadline: Deadline;
  readonly lookup: Lookup;
  readonly log: Log;
}

/** Everything that a client is made of, with or without a port to listen on. */
export interface Services {
  readonly credentials: Credentials;
  /** What has happened to tokens and secrets. */
  readonly counts: Counts;
  /** The rates as the active credential gets them. */
  readonly feed: Feed;
  /** The rates as another one gets them; null: the active one. Throws Problem 404. */
  feedOf(name: string | null): Pick<Feed, 'refresh'>;
  /** Brings the rates while it is connected. */
  readonly follower: Follower;
  readonly fanOut: FanOut;
  /** The state of the client at this moment. */
  readonly report: () => StatusReport;
  /** Calls with the active credential. */
  readonly server: ServerApi;
  /** Begins what goes on in the background. */
  start(): void;
  /** Ends what goes on in the background and closes the vault. */
  close(): void;
}

/** The fresh rates and the ones shown before, if any. */
export type Shown = (rates: readonly SeenRate[], before: readonly SeenRate[] | null) => void;

/** The credentials alone, and the vault that they are in. Nothing is read yet. */
export function openCredentials(config: Config, given: Surroundings) {
  const vault = openWhenNeeded(config, given);
  const groups = createGroups(given);
  const counts = createCounts();
  const credentials = createCredentials({
    ...config,
    ...given,
    configured: config.credential,
    vault: vault.open,
    group: groups.of,
    count: counts.add,
  });
  return {
    credentials,
    counts,
    groups,
    vault: vault.open,
    close() {
      credentials.close();
      groups.close();
      vault.close();
    },
  };
}

/** Wires the client. Throws `VaultFault` when its credential cannot be read. Nothing is sent yet. */
export function createServices(config: Config, given: Surroundings, shown: Shown = () => {}): Services {
  const opened = openCredentials(config, given);
  const { credentials, counts, groups } = opened;
  if (!credentials.pinned) credentials.get(null);
  const apiOf = createApis(given);
  const active = (): ServerApi => apiOf(credentials.get(null));
  const server: ServerApi = { rates: () => active().rates(), health: () => active().health() };
  const feed: Feed = createFeed({
    ...config,
    ...given,
    fetchRates: server.rates,
    isLive: () => follower.state().phase === 'live',
    shown,
  });
  const follower = createFollower({
    ...given,
    session: () => credentials.get(null),
    sink: feed.sink,
    stopped: () => void feed.refresh(),
  });
  const report = createReport({ credentials, feed, follower, version: VERSION });
  const fanOut = createFanOut({ ...given, feed, report, matters: () => whatMatters(report()) });
  const feeds = new WeakMap<CredentialSession, Feed>();
  return {
    credentials,
    counts,
    feed,
    follower,
    fanOut,
    report,
    server,
    feedOf(name) {
      if (name === null || name === credentials.active()) return feed;
      const session = credentials.get(name);
      const own =
        feeds.get(session) ??
        createFeed({ ...config, ...given, fetchRates: apiOf(session).rates, isLive: () => false, shown: () => {} });
      feeds.set(session, own);
      return own;
    },
    start() {
      groups.start();
      follower.start();
      feed.start();
    },
    close() {
      fanOut.close();
      feed.stop();
      follower.stop();
      opened.close();
    },
  };
}

interface Groups {
  of(urls: readonly string[], issuer: string): Servers;
  /** Looks after servers that nobody asks, of groups that there are and that will be. */
  start(): void;
  close(): void;
}

/** One group for each list of servers and issuer. */
function createGroups(given: Surroundings): Groups {
  const groups = new Map<string, Servers>();
  let started = false;
  return {
    of(urls, issuer) {
      const key = JSON.stringify([urls, issuer]);
      const known = groups.get(key);
      if (known !== undefined) return known;
      const group = createServers({ ...given, urls, issuer });
      if (started) group.start();
      groups.set(key, group);
      return group;
    },
    start() {
      started = true;
      for (const group of groups.values()) group.start();
    },
    close() {
      for (const group of groups.values()) group.close();
    },
  };
}

/** The calls of each credential, to its own servers. */
function createApis({ fetch, deadline }: Surroundings): (session: CredentialSession) => ServerApi {
  const apis = new WeakMap<CredentialSession, ServerApi>();
  return (session) => {
    const [serverUrl = ''] = session.servers.urls;
    const api = apis.get(session) ?? createServerApi({ serverUrl, fetch, deadline, authorizedFetch: session.fetch });
    apis.set(session, api);
    return api;
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
