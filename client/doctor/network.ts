import { connect, createServer, isIP } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';

/** What a server shows of itself before anything is asked of it. */
export interface Certificate {
  /** Milliseconds since the epoch. */
  readonly endsAtMs: number;
  /** Why this machine does not trust it (a code of OpenSSL), or null. */
  readonly untrusted: string | null;
  /** Why it is for another name, or null. */
  readonly otherName: string | null;
}

/** Looks below HTTP. */
export interface Network {
  /** Rejects with an error that has a `code` when there is no connection in time. */
  connect(host: string, port: number): Promise<void>;
  /** The certificate, whether it is good or not. Rejects likewise. */
  certificate(host: string, port: number): Promise<Certificate>;
  /** Null when a program of this user could listen there, else the code of the error. */
  tryListen(host: string, port: number): Promise<string | null>;
}

/** Longest wait for a connection, in milliseconds. */
const CONNECT_MS = 5_000;

/** The network of this machine. */
export const NETWORK: Network = {
  connect: (host, port) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, timeout: CONNECT_MS });
      socket.once('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.once('timeout', () => socket.destroy(timeout()));
      socket.once('error', reject);
    }),
  certificate: (host, port) =>
    new Promise((resolve, reject) => {
      const name = isIP(host) === 0 ? { servername: host } : {};
      // It is looked at, and nothing is sent.
      const socket = connectTls({ host, port, timeout: CONNECT_MS, rejectUnauthorized: false, ...name });
      socket.once('secureConnect', () => {
        const certificate = socket.getPeerCertificate();
        const { authorizationError } = socket;
        resolve({
          endsAtMs: Date.parse(certificate.valid_to),
          untrusted: socket.authorized ? null : codeOf(authorizationError),
          otherName: checkServerIdentity(host, certificate)?.message ?? null,
        });
        socket.destroy();
      });
      socket.once('timeout', () => socket.destroy(timeout()));
      // Also without a word: a server that speaks no TLS may just close.
      socket.once('close', () => reject(timeout()));
      socket.on('error', reject);
    }),
  tryListen: (host, port) =>
    new Promise((resolve) => {
      const server = createServer();
      server.once('error', (error) => resolve(codeOf(error)));
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
    }),
};

function timeout(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}

/** The short name of an error: `ECONNREFUSED`, `SELF_SIGNED_CERT_IN_CHAIN`. */
export function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
