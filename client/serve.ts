import { accessLogOf } from '../kit/http/access-log';
import { shownUrl } from '../kit/http/listen';
import { type Door, openDoor } from '../kit/tls/door';
import { servingPassword } from './access/password';
import { createApp } from './app';
import type { Config } from './config';
import { createServices, type Shown, type Surroundings } from './services';
import { traced } from './traced';

/** A client that answers. */
export interface RunningClient {
  /** Where it listens, for people. */
  readonly url: string;
  readonly port: number;
  /** Reads the certificate files anew; see {@link openDoor}. */
  renewCertificate(): void;
  /** Refuses new work, lets what is in flight end, then closes everything in the mirror order of the start. */
  stop(): Promise<void>;
}

/** What serving needs beside the surroundings. */
export interface ServeOptions extends Surroundings {
  readonly shown: Shown;
  readonly idPrefix: string;
}

/** Starts a client: it answers at once, whether the server is there or not. Throws Refusal, `VaultFault`. */
export function startClient(config: Config, options: ServeOptions): RunningClient {
  const { log } = options;
  const guard = servingPassword(config, options.randomBytes);
  const given = { ...options, fetch: traced(options) };
  const services = createServices(config, given, options.shown);
  let serving = true;
  let endsMs: () => number | null = () => null;
  const app = createApp(services, {
    ...config,
    ...given,
    password: guard?.password ?? null,
    serving: () => serving,
    certificateEndsMs: () => endsMs(),
    accessLog: accessLogOf(config.logLevel),
  });
  let door: Door;
  try {
    // The edge has read or refused every other body before Bun would.
    const place = { hostname: config.host, port: config.port, tls: config.tls };
    door = openDoor(app, { ...place, bodyBytesMax: Number.MAX_SAFE_INTEGER, log, now: options.clock.now });
  } catch (error) {
    services.close();
    throw error;
  }
  endsMs = door.endsMs;
  const { port } = door;
  const url = shownUrl({ ...config, port });
  if (guard?.file != null) log.info(`the password of the dashboard is in ${guard.file}`, { 'file.path': guard.file });
  services.start();
  log.info(`crypto-client listens on ${url}`, { 'url.full': url, 'server.address': config.serverUrl });
  return {
    url,
    port,
    renewCertificate: door.renew,
    async stop() {
      serving = false;
      services.feed.stop();
      services.fanOut.close();
      await door.close();
      services.close();
    },
  };
}
