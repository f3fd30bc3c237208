import { timingSafeEqual, type X509Certificate } from 'node:crypto';
import { createBoundedMap } from '../../kit/bounded-map';
import type { CertificateMethod, TlsSubject } from '../oauth/client';
import { OAuthError } from '../oauth/errors';
import type { GivenJwk } from '../oauth/jwk';
import type { Reason } from '../oauth/words';
import { type ChainFault, createChainCheck, faultOfTime, readPemCertificates } from '../x509/chain';
import type { KeyHolder } from './assertion';
import { type ClientCertificate, certificateThumbprint } from './certificate';
import type { JwksSource } from './jwks-source';
import { faultOfSubject } from './tls-subject';

/** By what a client's certificate is known: a name in it, or its key. */
export interface CertificateHolder extends KeyHolder {
  readonly clientId: string;
  readonly tlsSubject: TlsSubject | null;
}

/** Checks the certificates of clients (RFC 8705 §2). */
export interface CertificateCheck {
  /** @throws OAuthError invalid_client `certificate_…`, `jwks_unavailable`. */
  check(certificate: ClientCertificate, method: CertificateMethod, holder: CertificateHolder): Promise<void>;
  /** Does the work of a check that refuses, for a client that is not there: the time must not tell. */
  refuse(certificate: ClientCertificate): Promise<void>;
}

/** What the check stands on. */
export interface CertificateCheckOptions {
  /** Certificates (PEM) of the authorities of `tls_client_auth`; null: none is trusted. */
  readonly authorities: string | null;
  readonly source: JwksSource;
  readonly now: () => number;
}

/** A chain that was found to be right is believed this long: what can end in between is looked at each time. */
const BELIEVED_MS = 5 * 60_000;

/** Certificates whose chains are remembered; some 100 bytes each. */
const BELIEVED_MAX = 5_000;

/** The check of both methods. @throws Error when the authorities cannot be read. */
export function createCertificateCheck({ authorities, source, now }: CertificateCheckOptions): CertificateCheck {
  const chainCheck = createChainCheck(authorities === null ? [] : readPemCertificates(authorities));
  const believedUntil = createBoundedMap<string, number>(BELIEVED_MAX);

  const faultOfChain = ({ x509, chain, thumbprint }: ClientCertificate): ChainFault | null => {
    const nowMs = now();
    if (nowMs < (believedUntil.get(thumbprint) ?? 0)) return faultOfTime(x509, nowMs);
    believedUntil.delete(thumbprint);
    const fault = chainCheck.faultOf(x509, chain, nowMs);
    if (fault !== null) return fault;
    believedUntil.set(thumbprint, nowMs + BELIEVED_MS);
    return null;
  };
  const faultOfName: FaultOf = async (certificate, { tlsSubject }) =>
    faultOfChain(certificate) ?? faultOfSubject(certificate.x509, tlsSubject);
  const faultOfKey: FaultOf = async ({ x509 }, { clientId, jwks, jwksUri }) => {
    const known = jwksUri === null ? (jwks?.keys ?? []) : await source.keys(clientId, jwksUri);
    if (known === null) return 'jwks_unavailable';
    const own = jwkOf(x509);
    const isOneOf = (keys: readonly GivenJwk[]): boolean => keys.some((key) => isKeyOf(key, x509, own));
    const isRegistered =
      isOneOf(known) || (jwksUri !== null && isOneOf((await source.refetch(clientId, jwksUri, known)) ?? []));
    return isRegistered ? faultOfTime(x509, now()) : 'not_registered';
  };

  return {
    check: async (certificate, method, holder) => {
      const isNamed = method === 'tls_client_auth';
      const fault = await (isNamed ? faultOfName : faultOfKey)(certificate, holder);
      if (fault === null) return;
      // Who is refused has gone both ways: the time must not tell which of them is the client's.
      await (isNamed ? faultOfKey : faultOfName)(certificate, NOBODY);
      const reason: Reason = fault === 'jwks_unavailable' ? fault : `certificate_${fault}`;
      const details = { thumbprint: certificate.thumbprint };
      throw new OAuthError('invalid_client', reason, { clientId: holder.clientId, details });
    },
    refuse: async (certificate) => {
      await faultOfName(certificate, NOBODY);
      await faultOfKey(certificate, NOBODY);
    },
  };
}

type CertificateFault = ChainFault | 'subject' | 'not_registered' | 'jwks_unavailable';

type FaultOf = (certificate: ClientCertificate, holder: CertificateHolder) => Promise<CertificateFault | null>;

const NOBODY: CertificateHolder = { clientId: '', jwks: null, jwksUri: null, tlsSubject: null };

/** A registered certificate (`x5c`, `x5t#S256`) must be the very same; otherwise the key must be (RFC 8705 §2.2.2). */
function isKeyOf(key: GivenJwk, x509: X509Certificate, own: GivenJwk | null): boolean {
  const { x5c, 'x5t#S256': thumbprint } = key;
  if (typeof thumbprint === 'string' && thumbprint !== certificateThumbprint(x509.raw)) return false;
  if (Array.isArray(x5c)) {
    const der = Buffer.from(String(x5c[0]), 'base64');
    return der.length === x509.raw.length && timingSafeEqual(der, x509.raw);
  }
  return own !== null && ['kty', 'crv', 'x', 'y', 'n', 'e'].every((member) => own[member] === key[member]);
}

/** Null: a key of a kind that no JWK can say. */
function jwkOf(x509: X509Certificate): GivenJwk | null {
  try {
    return { ...x509.publicKey.export({ format: 'jwk' }) };
  } catch {
    return null;
  }
}
