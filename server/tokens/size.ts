import { CLIENT_ID_CHARACTERS_MAX } from '../oauth/client';
import { RESOURCE_URI_CHARACTERS_MAX } from '../oauth/resource';
import { SCOPE_CHARACTERS_MAX } from '../oauth/scope';
import { ACCESS_TOKEN_TYPE } from './key-pair';
import { confirmationOf } from './model';

/** SHA-256 in base64url: a key's thumbprint (RFC 7638), what a token is bound to. */
const DIGEST = 'x'.repeat(43);

/** A UUID. */
const JTI = 'x'.repeat(36);

/** RSA with 2048 bits; the other algorithms sign with less. */
const SIGNATURE_BYTES_MAX = 256;

/** Characters of the longest token that is issued here: each of its parts as long as it can be. A longer one is nobody's of ours. */
export function longestToken(issuer: string): number {
  const header = { alg: 'ES256', kid: DIGEST, typ: ACCESS_TOKEN_TYPE };
  const clientId = 'x'.repeat(CLIENT_ID_CHARACTERS_MAX);
  const number = Number.MAX_SAFE_INTEGER;
  const claims = {
    iss: issuer,
    sub: clientId,
    // Our own resources are paths below the issuer, each far shorter than a URI may be.
    aud: 'x'.repeat(issuer.length + RESOURCE_URI_CHARACTERS_MAX),
    exp: number,
    iat: number,
    jti: JTI,
    client_id: clientId,
    scope: 'x'.repeat(SCOPE_CHARACTERS_MAX),
    epoch: number,
    cnf: confirmationOf({ jkt: DIGEST, certificate: DIGEST }),
  };
  const parts = [JSON.stringify(header).length, JSON.stringify(claims).length, SIGNATURE_BYTES_MAX];
  return parts.reduce((characters, bytes) => characters + base64urlLength(bytes), parts.length - 1);
}

function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}
