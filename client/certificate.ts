import { statSync } from 'node:fs';
import { ConfigFault } from '../kit/config';
import { type PairFiles, readTlsPair, type TlsPair } from '../kit/tls/material';

/** The certificate by which this client makes itself known to servers that let nobody in without one. */
export interface OwnCertificate {
  /** What is shown to whoever is at this URL and asks for it; null: nothing. */
  shownTo(url: string): Pick<TlsPair, 'cert' | 'key'> | null;
  /** What an operator should know of the files, a sentence each. */
  readonly warnings: readonly string[];
}

/** None is shown to anybody. */
export const NO_CERTIFICATE: OwnCertificate = { shownTo: () => null, warnings: [] };

/** The certificate in these files, for these servers and nobody else. Null: there is none. */
export interface OwnCertificateOptions {
  readonly files: PairFiles | null;
  /** Base URLs. */
  readonly servers: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the settings of the files begin with. */
const PREFIX = 'SERVER_';

/**
 * Reads the files, and again when they have changed; while they do not fit together, as between the writing of the one and of the
 * other, what was read before is shown. @throws ConfigFault when they do not do at first.
 */
export function createOwnCertificate({ files, servers, now }: OwnCertificateOptions): OwnCertificate {
  if (files === null) return NO_CERTIFICATE;
  const origins = new Set(servers.map((url) => new URL(url).origin));
  let stamp = stampOf(files);
  let pair = readTlsPair(files, now(), PREFIX);
  const current = (): TlsPair => {
    const next = stampOf(files);
    if (next === stamp) return pair;
    stamp = next;
    try {
      pair = readTlsPair(files, now(), PREFIX);
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error;
    }
    return pair;
  };
  return {
    warnings: pair.warnings,
    shownTo: (url) => {
      const { origin } = new URL(url.replace(/^ws/, 'http'));
      if (!origins.has(origin)) return null;
      const { cert, key } = current();
      return { cert, key };
    },
  };
}

/** Another text when a file is another one. */
function stampOf({ certFile, keyFile }: PairFiles): string {
  return [certFile, keyFile].map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0).join(' ');
}
