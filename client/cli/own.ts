import { Refusal } from '../../kit/command';
import { Problem } from '../../kit/http/problem';
import type { Log } from '../../kit/logs';
import { untilStopped } from '../../kit/stop';
import { TokenError } from '../auth/token';
import type { Config } from '../config';
import { renderLine, renderTable } from '../rates/table';
import { type RunningClient, startClient } from '../serve';
import { createServices, type Services, type Shown } from '../services';
import { streamStatus } from '../stream/status';
import { VaultFault } from '../vault/fault';
import { connectionOf } from '../watch/connection';
import { watch } from '../watch/index';
import type { Terminal } from '../watch/terminal';
import type { Process, ReadFlags } from './process';

/** From the first signal to the end, in milliseconds. */
const STOP_DEADLINE_MS = 10_000;

/** `serve`: the client with its HTTP API, the background fetch and the rates on the console. */
export async function serve(process: Process): Promise<void> {
  const { config, log } = begin(process);
  const idPrefix = Buffer.from(process.randomBytes(6)).toString('hex');
  const shown = present(process, process.terminal);
  const started = Promise.withResolvers<RunningClient>();
  const stop = async (): Promise<void> => {
    process.abort();
    await (await started.promise).stop();
  };
  // Signals are heard before anyone can know that it listens.
  const stopped = untilStopped({ ...process, log, stop, deadlineMs: STOP_DEADLINE_MS });
  if (config.tls !== null)
    process.signals.on('SIGHUP', () => void started.promise.then((client) => client.renewCertificate()));
  started.resolve(explained(() => startClient(config, { ...process, log, idPrefix, shown })));
  await stopped;
}

/** `rates`: the rates once, or with `--watch` every so often until a signal. */
export async function rates(
  process: Process,
  { json, watch: live }: ReadFlags & { readonly watch?: true },
): Promise<void> {
  if (live && process.screen !== null && !json) return watchOnScreen(process, process.screen);
  const shown = present(process, json !== true);
  if (live) return watchRates(process, shown);
  await withServices(process, async ({ credentials, feed }) => {
    // A background fetch would try again; here it is told what is wrong, as for a token.
    await credentials.get(null).tokens.token();
    const { last, outage } = await feed.refresh();
    if (last === null || outage !== null) throw new Refusal(outage?.reason ?? 'There are no rates.');
    if (json) process.write.out(`${JSON.stringify(last.rates)}\n`);
    else shown(last.rates, null);
  });
}

/** Flags of `token`. */
export interface TokenFlags extends ReadFlags {
  readonly header?: true;
  /** Name of the one to use; left out: the active one. */
  readonly credential?: string;
}

/** `token`: a valid access token and nothing else on standard output, or the line of a header that holds it. */
export function token(process: Process, { json, header, credential = '' }: TokenFlags): Promise<void> {
  return withServices(process, async ({ credentials }) => {
    const { value, type, expiresAtMs } = await credentials.get(credential || null).tokens.token();
    const expires_in = Math.max(0, Math.floor((expiresAtMs - process.clock.now()) / 1000));
    const plain = header ? `Authorization: ${type} ${value}` : value;
    process.write.out(`${json ? JSON.stringify({ access_token: value, token_type: type, expires_in }) : plain}\n`);
  });
}

/** `register`: registers the credential in use. */
export function register(process: Process, { json }: ReadFlags): Promise<void> {
  return withServices(process, async ({ credentials }) => {
    const active = credentials.get(null);
    const { existing, answer } = await active.register();
    const { clientId } = active.stored();
    const data = existing ? { existing: true } : answer;
    const said = existing ? `${clientId} was registered before` : `${clientId} is registered`;
    process.write.out(`${json ? JSON.stringify({ status: 'success', data, client_id: clientId }) : said}\n`);
  });
}

async function watchRates(process: Process, shown: Shown): Promise<void> {
  const { config, log } = begin(process);
  const services = explained(() => createServices(config, { ...process, log }, shown));
  services.start();
  const stop = async (): Promise<void> => {
    process.abort();
    services.close();
  };
  await untilStopped({ ...process, log: quiet(process, config), stop, deadlineMs: STOP_DEADLINE_MS });
}

/** The same on the full screen of a terminal, which a log would only spoil. */
async function watchOnScreen(process: Process, terminal: Terminal): Promise<void> {
  const { config, warnings } = process.configure();
  for (const warning of warnings) process.write.err(`${warning}\n`);
  const log = process.openLog({ ...config, logLevel: 'silent' });
  const services = explained(() => createServices(config, { ...process, log }));
  const { feed, follower } = services;
  services.start();
  const watching = watch(
    {
      rates: () => feed.state().last?.rates ?? null,
      connection: () => connectionOf(streamStatus(follower.state(), feed.state()), process.clock.now()),
      source: config.serverUrl,
    },
    { ...process, terminal },
  );
  const stop = async (): Promise<void> => {
    watching.close();
    process.abort();
    services.close();
  };
  const stopped = untilStopped({ ...process, log, stop, deadlineMs: STOP_DEADLINE_MS });
  try {
    await Promise.race([watching.left, stopped]);
  } finally {
    await stop();
  }
}

/** A command that ends by itself says on standard error only what went wrong. */
async function withServices(process: Process, use: (services: Services) => Promise<void>): Promise<void> {
  const { config } = process.configure();
  const services = explained(() => createServices(config, { ...process, log: quiet(process, config) }));
  try {
    await use(services);
  } catch (error) {
    if (error instanceof TokenError) throw new Refusal(sayTrouble(error));
    if (error instanceof Problem) throw new Refusal(error.detail);
    throw error instanceof VaultFault ? new Refusal(error.message) : error;
  } finally {
    services.close();
  }
}

/** Who runs a command by hand may have meant another server. */
function sayTrouble({ message, trouble }: TokenError): string {
  return trouble.kind === 'unreachable'
    ? `${message} Set CRYPTO_SERVER_URL or --crypto-server-url to where it is.`
    : message;
}

function begin(process: Process): { config: Config; log: Log } {
  const { config, warnings } = process.configure();
  const log = process.openLog(config);
  for (const warning of warnings) log.warn(warning);
  return { config, log };
}

function quiet({ openLog }: Process, config: Config): Log {
  return openLog(config.logLevel === 'debug' ? config : { ...config, logLevel: 'silent' });
}

function present({ write, clock, terminal, colour }: Process, asTable: boolean): Shown {
  const inColour = colour && terminal;
  return asTable
    ? (fresh, before) => write.out(`${renderTable(fresh, before, { colour: inColour })}\n`)
    : (fresh) => write.out(renderLine(fresh, clock.now()));
}

function explained<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof VaultFault ? new Refusal(error.message) : error;
  }
}
