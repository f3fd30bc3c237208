import { ConfigFault } from '../config';
import { drain, inFlight, type ListenOptions, listen } from '../http/listen';
import type { Log } from '../logs';
import { type Application, createListeners, type Passing } from './listeners';
import { readTlsMaterial, type TlsMaterial } from './material';
import { servingOptions } from './options';
import type { TlsFiles } from './settings';
import { type Steer, steerOnLinux } from './steering';

/** Where an application is served, and with what. */
export interface DoorOptions extends Omit<ListenOptions, 'tls'>, Partial<Passing> {
  /** Null: plain http. */
  readonly tls: TlsFiles | null;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A door that is open. */
export interface Door {
  readonly port: number;
  /**
   * Reads the certificate files anew. New connections get the new certificate; an open one ends with its next answer, or as idle, and
   * a stream when it is over. Files that do not do are logged, and all stays as it is.
   */
  renew(): void;
  /** The last moment of the certificate that new connections get, in milliseconds since the epoch; null: plain http. */
  endsMs(): number | null;
  /** Takes no new connections, waits for the answers in flight, and cuts what has not ended in time. */
  close(): Promise<void>;
}

/** Opens it. @throws Refusal when it cannot listen, ConfigFault when the certificate files do not do. */
export function openDoor(app: Application, { tls: files, log, now, ...place }: DoorOptions): Door {
  if (files === null)
    return { port: listen(app, place), renew: () => {}, endsMs: () => null, close: () => drainOne(app) };
  const read = (): TlsMaterial => {
    const material = readTlsMaterial(files, now());
    for (const warning of material.warnings) log.warn(warning);
    return material;
  };
  let current = read();
  const port = listen(app, { ...place, tls: servingOptions(current) });
  const listeners = createListeners(app, { steer: place.shared ? spread : steerOnLinux, ...place, port });
  let closing = false;
  const renew = (): void => {
    // A listener that opens while the others close would be left over.
    if (closing) return;
    try {
      const next = read();
      listeners.replace(servingOptions(next));
      current = next;
      const end = new Date(next.endsMs).toISOString();
      log.info('the certificate is renewed: new connections get the new one', { 'tls.server.not_after': end });
    } catch (error) {
      log.error(`the certificate is not renewed, the one before stays: ${reasonOf(error)}`);
    }
  };
  const close = (): Promise<void> => {
    closing = true;
    return listeners.close();
  };
  return { port, renew, endsMs: () => current.endsMs, close };
}

/** Of several processes on the port none may take all new connections. */
const spread: Steer = () => false;

function drainOne(app: Application): Promise<void> {
  return drain({ stop: (now) => app.stop(now), inFlight: () => inFlight(app.server) });
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigFault) return error.faults.join('; ');
  return error instanceof Error ? error.message : String(error);
}
