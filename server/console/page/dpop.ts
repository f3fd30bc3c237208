/** Makes the next proof; `nonce` is the server's, or null before it gave one. */
export type Prover = (nonce: string | null) => Promise<string>;

/** Proofs of a key that exists only as long as this page does (RFC 9449 §4.2). */
export async function createProver(url: string, now: () => number): Promise<Prover> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  return async (nonce) => {
    const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: url, iat: Math.floor(now() / 1000) };
    const signed = `${header}.${encode(nonce === null ? claims : { ...claims, nonce })}`;
    const how = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(how, privateKey, new TextEncoder().encode(signed));
    return `${signed}.${base64url(new Uint8Array(signature))}`;
  };
}

function encode(value: object): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
