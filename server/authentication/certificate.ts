import { createHash, X509Certificate } from 'node:crypto';
import { createBoundedMap } from '../../kit/bounded-map';
import { invalidRequest } from '../oauth/errors';
import type { RequestFault } from '../oauth/words';
import { readAll } from '../x509/der';

/** The certificate that a client showed to the proxy in front, with what it sent of the chain. */
export interface ClientCertificate {
  readonly x509: X509Certificate;
  /** SHA-256 of its DER form, base64url: `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string;
  /** Further certificates, as they came: nothing in them is trusted yet. */
  readonly chain: readonly X509Certificate[];
}

/**
 * The certificate of a request (RFC 9440), which is believed from a trusted proxy and from nobody else; null: there is
 * none. The peer is asked for only where there is something to believe. @throws OAuthError invalid_request when a trusted
 * proxy sends what is no certificate.
 */
export type ReadCertificate = (headers: Headers, peer: () => string) => ClientCertificate | null;

/** Certificates that were read; some 5 KB each, 50 KB when a stranger wants them to be. */
const READ_MAX = 500;

/** A chain is two or three certificates long; proxies send the client's own and the authority along. */
const CHAIN_MAX = 5;

/** Reads `Client-Cert` and `Client-Cert-Chain`; the same headers are read once. */
export function createCertificateReader(trusted: (address: string) => boolean): ReadCertificate {
  const known = createBoundedMap<string, ClientCertificate>(READ_MAX);
  return (headers, peer) => {
    const leaf = headers.get('client-cert');
    // HAProxy's `:%[ssl_c_der,base64]:` of a connection without a certificate.
    if (leaf === null || leaf === '::' || !trusted(peer())) return null;
    const chain = headers.get('client-cert-chain') ?? '';
    const name = `${leaf}\n${chain}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    const certificate = readHeaders(leaf, chain);
    known.set(name, certificate);
    return certificate;
  };
}

/** `x5t#S256` of a certificate in DER (RFC 8705 §3.1). */
export function certificateThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

function readHeaders(leaf: string, chain: string): ClientCertificate {
  const items = chain === '' || chain === '::' ? [] : chain.split(',');
  const [x509, ...more] = readItem(leaf, 'client_cert_malformed');
  const others = items.flatMap((item) => readItem(item.trim(), 'client_cert_chain_malformed'));
  if (x509 === undefined || more.length > 0) throw invalidRequest('client_cert_malformed');
  if (others.length > CHAIN_MAX) throw invalidRequest('client_cert_chain_too_long');
  return { x509, thumbprint: certificateThumbprint(x509.raw), chain: others };
}

/**
 * `:base64:` (RFC 8941 §3.3.5) of a certificate in DER; HAProxy can only put the whole chain into one item, so several are
 * taken there.
 */
function readItem(item: string, fault: RequestFault): X509Certificate[] {
  const [, encoded] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(item) ?? [];
  try {
    const certificates = readAll(Buffer.from(encoded ?? '', 'base64')).map(({ whole }) => new X509Certificate(whole));
    if (certificates.length > 0) return certificates;
  } catch {
    // Said below.
  }
  throw invalidRequest(fault);
}
