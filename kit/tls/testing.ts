// For tests alone: certificate files in a folder of their own, and the tool that tries a handshake.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { Elysia } from 'elysia';
import { captureLog } from '../testing';
import { AUTHORITY, type Made, makeCertificate } from '../testing-certificates';
import { type Door, openDoor } from './door';
import type { Application, Passing } from './listeners';
import type { TlsFiles } from './settings';

/** Names under which a program on this machine is reached. */
export const LOCAL_NAMES = ['subjectAltName=DNS:localhost,IP:127.0.0.1'];

/** An authority, and certificates that it issued for this machine. */
export function makeAuthority(): { readonly ca: Made; issue(name: string, extensions?: readonly string[]): Made } {
  const ca = makeCertificate({ subject: '/CN=Authority', extensions: AUTHORITY });
  const issue = (name: string, extensions = LOCAL_NAMES): Made =>
    makeCertificate({ subject: `/CN=${name}`, issuer: ca, extensions });
  return { ca, issue };
}

/** Files that https can be served with, and how to change them. */
export interface CertificateFolder {
  readonly files: TlsFiles;
  readonly path: string;
  put(pair: Pick<Made, 'cert' | 'key'>): void;
  remove(): void;
}

/** Writes a certificate, its key and, where they are given, the authorities of callers. */
export function certificateFolder(pair: Pick<Made, 'cert' | 'key'>, clientCa: string | null = null): CertificateFolder {
  const path = mkdtempSync(join(tmpdir(), 'tls-'));
  const [certFile, keyFile, caFile] = [join(path, 'cert.pem'), join(path, 'key.pem'), join(path, 'ca.pem')];
  const put = ({ cert, key }: Pick<Made, 'cert' | 'key'>): void => {
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key, { mode: 0o600 });
  };
  put(pair);
  if (clientCa !== null) writeFileSync(caFile, clientCa);
  return {
    files: { certFile, keyFile, clientCaFile: clientCa === null ? null : caFile },
    path,
    put,
    remove: () => rmSync(path, { recursive: true }),
  };
}

/** Opens a connection of its own, whoever answers. */
export function openTls(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The common name of the certificate that a new connection is shown. */
export async function nameShown(port: number): Promise<string> {
  const socket = await openTls(port);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

/** What openssl says of a handshake with these options. */
export async function handshake(port: number, options: readonly string[] = []): Promise<string> {
  const words = ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, ...options];
  const child = Bun.spawn(words, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return out + err;
}

/** A small application behind a door. */
export interface TestDoor {
  readonly door: Door;
  readonly folder: CertificateFolder;
  /** What it logged, as JSON texts. */
  readonly logged: readonly string[];
  /** Lets `/late` and `/stream` come to their end. */
  finish(): void;
  renewTo(pair: Made): void;
  end(): Promise<void>;
}

/** How it is opened, where it is not on a free port and to everybody. */
export interface TestDoorOptions extends Partial<Passing> {
  readonly clientCa?: string;
  readonly port?: number;
  readonly shared?: boolean;
}

/** Opens it with this certificate. */
export function openTestDoor(pair: Made, { clientCa, port = 0, ...passing }: TestDoorOptions = {}): TestDoor {
  const folder = certificateFolder(pair, clientCa ?? null);
  const { log, logged } = captureLog('kit');
  const { promise, resolve: finish } = Promise.withResolvers<void>();
  // Where an application is wrapped, as ours are, the framework hands no route to Bun.
  const wrap = (next: (request: Request) => Response) => (request: Request) => next(request);
  const app = new Elysia({ systemRouter: false })
    .wrap(wrap as unknown as Parameters<Elysia['wrap']>[0]) // Elysia's type of a wrapper says nothing of handlers.
    .get('/', ({ request, server }) => `hello ${server?.requestIP(request)?.address}`)
    .get('/late', () => promise.then(() => 'late'))
    .get('/stream', async function* () {
      yield 'begun';
      await promise;
      yield ' and ended';
    })
    .ws('/socket', { message: (socket, message) => void socket.send(`heard ${message}`) });
  const place = { hostname: '127.0.0.1', port, tls: folder.files, ...passing };
  const open = (): Door => {
    try {
      const application = app as unknown as Application; // Its type lists its routes, which who opens it does not ask for.
      return openDoor(application, { ...place, log, now: Date.now });
    } catch (error) {
      folder.remove();
      throw error;
    }
  };
  const door = open();
  return {
    door,
    folder,
    logged,
    finish,
    renewTo: (next) => {
      folder.put(next);
      door.renew();
    },
    end: async () => {
      finish();
      await door.close();
      folder.remove();
    },
  };
}
