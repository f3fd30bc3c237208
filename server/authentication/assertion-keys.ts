import { importJWK, type JWK } from 'jose';
import { createBoundedMap } from '../../kit/bounded-map';
import type { AssertionAlgorithm } from '../oauth/assertion';

/** A JWK as a client registered or published it: nothing in it is trusted yet. */
export type GivenJwk = Readonly<Record<string, unknown>>;

/** Signatures are looked at with so many keys at most, when an assertion does not say which. */
const CANDIDATES_MAX = 8;

/** RSA keys below 2048 bits are broken (RFC 7518 §3.3); beyond 8192 one check takes longer than it is worth. */
const RSA_BYTES = { min: 256, max: 1024 };

/** Keys that were imported; at most some 3 KB each. */
const IMPORTED_MAX = 2_000;

/** A public key of 8192 bits is shorter; a longer text is no key, and is not kept. */
const KEY_CHARACTERS_MAX = 2_000;

/** The keys of a set that may have signed: right type and use, and the named `kid` where one is named. */
export function candidateKeys(keys: readonly GivenJwk[], alg: AssertionAlgorithm, kid: string | null): GivenJwk[] {
  const fitting = keys.filter((key) => (kid === null || key['kid'] === kid) && fits(key, alg));
  return fitting.slice(0, CANDIDATES_MAX);
}

function fits(key: GivenJwk, alg: AssertionAlgorithm): boolean {
  const { kty, crv, n, use, alg: own, key_ops: operations } = key;
  if (use !== undefined && use !== 'sig') return false;
  if (own !== undefined && edwards(own) !== edwards(alg)) return false;
  if (Array.isArray(operations) && !operations.includes('verify')) return false;
  if (alg === 'ES256') return kty === 'EC' && crv === 'P-256';
  if (edwards(alg) === 'Ed25519') return kty === 'OKP' && crv === 'Ed25519';
  return kty === 'RSA' && typeof n === 'string' && isStrong(n);
}

/** `EdDSA` with this curve is called `Ed25519` since RFC 9864. */
function edwards(alg: unknown): unknown {
  return alg === 'EdDSA' ? 'Ed25519' : alg;
}

function isStrong(modulus: string): boolean {
  const bytes = Buffer.from(modulus, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  const bits = first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24;
  return bits >= RSA_BYTES.min * 8 && bits <= RSA_BYTES.max * 8;
}

/** Imports public keys, each once: importing costs as much as a check. Null: the key is no key. */
export function createKeyImport(): (key: GivenJwk, alg: AssertionAlgorithm) => Promise<CryptoKey | null> {
  const imported = createBoundedMap<string, Promise<CryptoKey | null>>(IMPORTED_MAX);
  return (key, alg) => {
    const jwk = publicPart(key);
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

/** Only what makes up a public key: a member more or less must not make another key of it. */
function publicPart({ kty, crv, x, y, n, e }: GivenJwk): JWK {
  const members = Object.entries({ kty, crv, x, y, n, e });
  return Object.fromEntries(members.filter(([, value]) => typeof value === 'string')) as JWK;
}

/** Public keys of nobody here (RFC 7515 A.2 and A.3, RFC 8037 A.2): for work that takes the time of a real check. */
const DECOYS: Readonly<Record<string, GivenJwk>> = {
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
export function decoyKey(alg: AssertionAlgorithm): GivenJwk {
  const type = { ES256: 'EC', EdDSA: 'OKP', Ed25519: 'OKP', PS256: 'RSA', RS256: 'RSA' }[alg];
  return DECOYS[type] ?? {};
}
