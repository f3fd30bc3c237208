import { Refusal } from '../kit/command';
import { TRANSPORT_BODY_BYTES_MAX } from '../kit/http/edge';
import { createApp } from './app';
import type { Config } from './config';
import { createServices, type Shown, type Surroundings } from './services';

/** A client that answers. */
export interface RunningClient {
  /** Where it listens, for people. */
  readonly url: string;
  readonly port: number;
  /** Refuses new work, lets what is in flight end, then closes everything in the mirror order of the start. */
  stop(): Promise<void>;
}

/** What serving needs beside the surroundings. */
export interface ServeOptions extends Surroundings {
  readonly shown: Shown;
  readonly idPrefix: string;
}

/** Idle connections are kept this long, in seconds. */
const IDLE_TIMEOUT_SECONDS = 75;

/** Answers in flight get this long to end; the stop as a whole has 10 s. */
const DRAIN_MS = 8_000;

/** Starts a client: it answers at once, whether the server is there or not. Throws Refusal, `VaultFault`. */
export function startClient(config: Config, options: ServeOptions): RunningClient {
  const { log, schedule } = options;
  const services = createServices(config, options, options.shown);
  let serving = true;
  let url = '';
  const app = createApp(services, {
    ...config,
    ...options,
    url: () => url,
    serving: () => serving,
    accessLog: config.logLevel === 'debug',
  });
  let port: number;
  try {
    port = listen(app, config.host, config.port);
  } catch (error) {
    services.close();
    throw error;
  }
  url = `http://${config.loopback ? 'localhost' : bracketed(config.host)}:${port}`;
  services.feed.start();
  log.info(`crypto-client listens on ${url}`, { 'url.full': url, 'server.address': config.serverUrl });
  return {
    url,
    port,
    async stop() {
      serving = false;
      services.feed.stop();
      await drain(app, schedule);
      services.close();
    },
  };
}

/** The base URL by which a client with this configuration is reached from its own machine. */
export function ownUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? bracketed(host);
  return `http://${reachable}:${port}`;
}

type Listener = Pick<ReturnType<typeof createApp>, 'listen' | 'stop' | 'server'>;

function listen(app: Listener, hostname: string, port: number): number {
  try {
    app.listen({
      hostname,
      port,
      // Otherwise a second client would take half of the connections without a word.
      reusePort: false,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      maxRequestBodySize: TRANSPORT_BODY_BYTES_MAX,
    });
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new Refusal(
      busy
        ? `Port ${port} on ${hostname} is in use: stop what listens there or set PORT.`
        : `Cannot listen on ${hostname}:${port}: check HOST and PORT.`,
    );
  }
  return app.server?.port ?? port;
}

async function drain(app: Listener, schedule: Surroundings['schedule']): Promise<void> {
  const late = Promise.withResolvers<'late'>();
  const cancel = schedule(DRAIN_MS, () => late.resolve('late'));
  const outcome = await Promise.race([app.stop().then(() => 'done' as const), late.promise]);
  cancel();
  if (outcome === 'late') await app.stop(true);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
