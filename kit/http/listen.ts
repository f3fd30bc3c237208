import { Refusal } from '../command';
import { TRANSPORT_BODY_BYTES_MAX } from './edge';
import { isLoopbackName } from './origin';

/** The part of an application that opens and closes its port. */
export interface Listener {
  listen(options: Partial<Bun.Serve.Options<unknown>>): unknown;
  stop(closeActiveConnections?: boolean): Promise<unknown>;
  readonly server: Bun.Server<unknown> | null;
}

/** Idle connections are kept this long, in seconds; longer than load balancers keep theirs, so that they close first. */
export const IDLE_TIMEOUT_SECONDS = 75;

/**
 * Waits for long work in which nothing is sent, and which the server would take for a connection that nobody uses. Afterwards it is
 * looked at as before.
 */
export async function unhurried<Made>(
  server: Pick<Bun.Server<unknown>, 'timeout'> | null,
  request: Request,
  work: () => Promise<Made>,
): Promise<Made> {
  server?.timeout(request, 0);
  try {
    return await work();
  } finally {
    server?.timeout(request, IDLE_TIMEOUT_SECONDS);
  }
}

/** Answers in flight get this long to end; a stop as a whole has 10 s. */
const DRAIN_MS = 8_000;

/**
 * Bun waits for a connection over TLS on which nothing was ever asked, such as browsers open ahead of need. A request that was
 * sent before the stop has arrived by then.
 */
const SILENCE_MS = 500;

/** How often it is looked whether anything is still in flight. */
const DRAIN_POLL_MS = 50;

/** Where and how a program listens. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0: a free one. */
  readonly port: number;
  /** Largest body that Bun itself lets through, in bytes; beyond it the answer has none of our headers. */
  readonly bodyBytesMax?: number;
  /** Left out: plain http. */
  readonly tls?: Bun.TLSOptions;
  /** True for one of several processes that listen on this port together. */
  readonly shared?: boolean;
}

/** What Bun is told. */
export function bunOptions({
  hostname,
  port,
  bodyBytesMax = TRANSPORT_BODY_BYTES_MAX,
  tls,
  shared = false,
}: ListenOptions) {
  return {
    hostname,
    port,
    // The framework would turn it on unless NODE_ENV says production: pages with stacks, and a slower path.
    development: false as const,
    // Otherwise a second process would take half of the connections without a word; https needs it for its next certificate.
    reusePort: shared || tls !== undefined,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: bodyBytesMax,
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Listens. @returns the port, which is a free one when 0 was asked for. @throws Refusal when it cannot. */
export function listen(app: Listener, options: ListenOptions): number {
  const { hostname, port, tls, shared } = options;
  orRefuse(options, () => {
    if (tls !== undefined && !shared) tryAlone(hostname, port);
    app.listen(bunOptions(options));
  });
  return app.server?.port ?? port;
}

/** For who lets others share the port. @throws Refusal when somebody listens there already. */
export function assertFree(place: Pick<ListenOptions, 'hostname' | 'port'>): void {
  orRefuse(place, () => tryAlone(place.hostname, place.port));
}

function orRefuse({ hostname, port }: Pick<ListenOptions, 'hostname' | 'port'>, work: () => void): void {
  try {
    work();
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new Refusal(
      busy
        ? `Port ${port} on ${hostname} is in use: stop what listens there or set PORT.`
        : `Cannot listen on ${hostname}:${port}: check HOST and PORT.`,
    );
  }
}

/** Shared ports are given to anybody who shares them too: whether somebody listens there shows only who wants it for himself. */
function tryAlone(hostname: string, port: number): void {
  Bun.listen({ hostname, port, socket: { data: () => {} } }).stop(true);
}

/** What is drained: `inFlight` counts the answers and WebSockets that are not over. */
export interface Drainable {
  stop(closeActiveConnections?: boolean): Promise<unknown>;
  inFlight(): number;
}

/** Takes no new connections, waits for the answers in flight, and cuts what has not ended in time, or has asked for nothing. */
export async function drain({ stop, inFlight }: Drainable): Promise<void> {
  const stopped = stop().then(() => true);
  for (let waitedMs = 0; waitedMs < DRAIN_MS; waitedMs += DRAIN_POLL_MS) {
    if (waitedMs >= SILENCE_MS && inFlight() === 0) break;
    if (await Promise.race([stopped, Bun.sleep(DRAIN_POLL_MS)])) return;
  }
  await stop(true);
}

/** What a listener has in flight. */
export function inFlight(
  server: { readonly pendingRequests: number; readonly pendingWebSockets: number } | null,
): number {
  return server === null ? 0 : server.pendingRequests + server.pendingWebSockets;
}

/** Where a program listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Null: plain http. */
  readonly tls: object | null;
}

/** The address of a listening program, for people. */
export function shownUrl({ host, port, tls }: Place): string {
  return `${schemeOf(tls)}://${isLoopbackName(host) ? 'localhost' : bracketed(host)}:${port}`;
}

/** The address by which a listening program is reached from its own machine. */
export function localUrl({ host, port, tls }: Place): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? bracketed(host);
  return `${schemeOf(tls)}://${reachable}:${port}`;
}

/** `https` where there is a certificate. */
export function schemeOf(tls: object | null): 'http' | 'https' {
  return tls === null ? 'http' : 'https';
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
