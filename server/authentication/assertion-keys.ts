import { importJWK, type JWK } from 'jose';
import { createBoundedMap } from '../../kit/bounded-map';
import { type GivenJwk, type SignatureAlgorithm, signingKey } from '../oauth/jwk';

/** Keys that were imported; at most some 2 KB each. */
const IMPORTED_MAX = 2_000;

/** A public key of 4096 bits is shorter; a longer text is no key, and is not kept. */
const KEY_CHARACTERS_MAX = 1_000;

/** The keys of a set that may have signed: right type and use, and the named `kid` where one is named. */
export function candidateKeys(keys: readonly GivenJwk[], alg: SignatureAlgorithm, kid: string | null): JWK[] {
  const named = keys.filter((key) => kid === null || key['kid'] === kid);
  return named.flatMap((key) => signingKey(key, alg) ?? []);
}

/** Imports public keys, each once: importing costs as much as a check. Null: the key is no key. */
export function createKeyImport(): (jwk: JWK, alg: SignatureAlgorithm) => Promise<CryptoKey | null> {
  const imported = createBoundedMap<string, Promise<CryptoKey | null>>(IMPORTED_MAX);
  return (jwk, alg) => {
    const name = `${alg} ${JSON.stringify(jwk)}`;
    if (name.length > KEY_CHARACTERS_MAX) return Promise.resolve(null);
    const known = imported.get(name);
    if (known !== undefined) return known;
    const made = importJWK(jwk, alg).then(
      (result) => (result instanceof Uint8Array ? null : result),
      () => null,
    );
    imported.set(name, made);
    return made;
  };
}

/** Public keys of nobody here (RFC 7515 A.2 and A.3, RFC 8037 A.2): for work that takes the time of a real check. */
const DECOYS: Readonly<Record<string, JWK>> = {
  RSA: {
    kty: 'RSA',
    n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
    e: 'AQAB',
  },
  EC: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
  OKP: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
};

/** The decoy for an algorithm. */
export function decoyKey(alg: SignatureAlgorithm): JWK {
  const type = { ES256: 'EC', EdDSA: 'OKP', Ed25519: 'OKP', PS256: 'RSA', RS256: 'RSA' }[alg];
  return DECOYS[type] ?? {};
}
