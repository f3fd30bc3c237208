import { readFileSync } from 'node:fs';
import { Refusal } from '../command';
import { ConfigFault } from '../config';
import { isOfCertificate } from './error-code';
import { readLeaf } from './material';
import type { TlsFiles } from './settings';

/** Sends a request, on a connection of its own kind where `init` says so. */
export type TlsFetch = (request: Request, init?: BunFetchRequestInit) => Promise<Response>;

/** What a command does with a running program: it gives it a secret, or it only looks whether it is well. */
export type Errand = 'secret' | 'health';

/**
 * How a command asks the program that runs on this machine with these files (null: plain http). It is asked by an address, which no
 * certificate names, so that it is known by the certificate itself: a secret goes to nobody who does not show the one in
 * `TLS_CERT_FILE`. Health tells no secret and must be told also between the renewal of the files and SIGHUP, so that it takes any.
 * Where callers need a certificate, that of the program is the one that is there. @throws Refusal when the files cannot be used.
 */
export function createOwnFetch(fetch: TlsFetch, files: TlsFiles | null, errand: Errand): TlsFetch {
  if (files === null) return (request) => fetch(request);
  const tls = explained(() => ({ ...shown(files), ...expected(files, errand) }));
  return (request) =>
    fetch(request, { tls }).catch((error: unknown) => {
      throw refusalOf(error, request, files);
    });
}

function expected({ certFile }: TlsFiles, errand: Errand): Bun.TLSOptions {
  if (errand === 'health') return { rejectUnauthorized: false };
  const known = { ca: readLeaf(certFile), checkServerIdentity: () => undefined };
  // One certificate is to be trusted by itself, without its authority: Bun knows the option, its types do not.
  return { ...known, allowPartialTrustChain: true } as Bun.TLSOptions;
}

function shown({ certFile, keyFile, clientCaFile }: TlsFiles): Bun.TLSOptions {
  if (clientCaFile === null) return {};
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function explained<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigFault) throw error;
    throw new Refusal(error instanceof Error ? error.message : String(error));
  }
}

/** What Bun says of a connection that was not let in. */
const NOT_LET_IN = new Set(['EPROTO', 'ECONNRESET']);

function refusalOf(error: unknown, { url }: Request, { clientCaFile }: TlsFiles): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const { origin } = new URL(url);
  if (isOfCertificate(code))
    return new Refusal(
      `${origin} does not show the certificate in TLS_CERT_FILE, or that has ended: send the program SIGHUP once the file is new.`,
    );
  if (clientCaFile !== null && NOT_LET_IN.has(code))
    return new Refusal(
      `${origin} asks for a certificate of TLS_CLIENT_CA_FILE, and TLS_CERT_FILE is none: have it issued there, for clients (clientAuth) too.`,
    );
  return error;
}
