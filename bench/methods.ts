// Tokens by each way of authenticating, introspection, and the price of the revoked.
import { randomUUID, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Figure } from './figure';
import type { Shot } from './load';
import type { ServerPeer } from './processes';
import { assertions, newSigner, proofs, type Signer } from './proofs';
import { goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { type Pace, type Race, race } from './throughput';

/** What the measurements stand on. */
export interface MethodsOptions {
  readonly pace: Pace;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly databaseUrl: string;
}

/** Requests that can be sent once only are signed ahead: more a second than any server has answered. */
const ONCE_PER_SECOND = 20_000;

/** Revoked tokens that are held while the rates are read. */
const REVOKED = 100_000;

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What a server answers to a registration (RFC 7591 §3.2.1). */
interface Registered {
  readonly client_id: string;
  readonly client_secret?: string;
}

/** Runs each race in turn. */
export async function measureMethods(server: ServerPeer, options: MethodsOptions): Promise<Figure[]> {
  const shots: [string, Race['shot'], number | null][] = [
    ['token, generated secret', await generatedSecret(server), 0.15],
    ['token, private_key_jwt', await privateKeyJwt(server), null],
    ['token, self_signed_tls_client_auth', await selfSigned(server, options.folder), null],
    ['token, DPoP-bound', await dpopBound(server), null],
    ['introspection', await introspection(server), 0.3],
    [`rates, ${REVOKED.toLocaleString('en')} tokens revoked`, await afterRevocations(server, options.databaseUrl), 0.6],
  ];
  const figures: Figure[] = [];
  for (const [name, shot, ratioAtLeast] of shots) {
    const answer = await goodAnswer(server.url, firstOf(await shot(0)));
    figures.push(...(await race({ name, shot, answer, ratioAtLeast, p99AtMostMs: null }, server, options)));
  }
  return figures;
}

const texts = (seconds: number): number => Math.max(1, Math.ceil(seconds * ONCE_PER_SECOND));

/** The first of requests that are sent once each, as a request of its own. */
function firstOf(shot: Shot): Shot {
  const [text = ''] = shot.once?.texts ?? [];
  if (shot.once === undefined) return shot;
  const { header } = shot.once;
  return header === null
    ? { ...shot, body: shot.body + text }
    : { ...shot, headers: { ...shot.headers, [header]: text } };
}

async function generatedSecret(server: ServerPeer): Promise<Race['shot']> {
  const { client_id: id, client_secret: secret = '' } = await registerFully(server, {});
  return () => tokenForm({ id, secret });
}

async function privateKeyJwt(server: ServerPeer): Promise<Race['shot']> {
  const signer = newSigner();
  const { client_id: clientId } = await registerFully(server, {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...signer.publicJwk, kid: 'bench', alg: 'ES256', use: 'sig' }] },
  });
  const issuer = await issuerOf(server);
  const body = `grant_type=client_credentials&client_assertion_type=${encodeURIComponent(ASSERTION_TYPE)}&client_assertion=`;
  return (seconds) => ({
    ...tokenShot(body),
    once: { header: null, texts: assertions(signer, { clientId, issuer }, texts(seconds)) },
  });
}

async function selfSigned(server: ServerPeer, folder: string): Promise<Race['shot']> {
  const der = await selfSignedCertificate(folder);
  const { client_id } = await registerFully(server, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    tls_client_certificate_bound_access_tokens: true,
    jwks: { keys: [certificateJwk(der)] },
  });
  const shot = tokenShot(`grant_type=client_credentials&client_id=${client_id}`);
  return () => ({ ...shot, headers: { ...shot.headers, 'client-cert': `:${der}:` } });
}

async function dpopBound(server: ServerPeer): Promise<Race['shot']> {
  const signer = newSigner();
  const { client_id: id, client_secret: secret = '' } = await registerFully(server, {
    dpop_bound_access_tokens: true,
  });
  const shot = tokenForm({ id, secret });
  const uri = `${await issuerOf(server)}${shot.path}`;
  return async (seconds) => {
    const nonce = await nonceOf(server, shot, signer, uri);
    return { ...shot, once: { header: 'DPoP', texts: proofs(signer, { method: 'POST', uri, nonce }, texts(seconds)) } };
  };
}

/** A proof without a nonce is answered with one (RFC 9449 §8). */
async function nonceOf(
  server: ServerPeer,
  { path, headers, body }: Shot,
  signer: Signer,
  uri: string,
): Promise<string> {
  const [proof = ''] = proofs(signer, { method: 'POST', uri, nonce: '' }, 1);
  const answer = await fetch(server.url + path, { method: 'POST', headers: { ...headers, DPoP: proof }, body });
  return answer.headers.get('dpop-nonce') ?? '';
}

async function introspection(server: ServerPeer): Promise<Race['shot']> {
  const { client_id: id, client_secret: secret = '' } = await registerFully(server, {});
  const shot = tokenForm({ id, secret });
  const token = tokenIn(await goodAnswer(server.url, shot));
  const body = new URLSearchParams({ token, client_id: id, client_secret: secret });
  return () => ({ ...shot, path: '/api/auth/introspect', body: body.toString() });
}

async function afterRevocations(server: ServerPeer, databaseUrl: string): Promise<Race['shot']> {
  const account = newAccount();
  await register(server.url, account);
  const token = tokenIn(await goodAnswer(server.url, tokenForm(account)));
  await using sql = new Bun.SQL(databaseUrl);
  await sql`insert into revoked_tokens (jti, expires_at)
    select gen_random_uuid()::text, now() + interval '1 hour' from generate_series(1, ${REVOKED})`;
  return () => ratesRequest(token);
}

function tokenShot(body: string): Shot {
  return { method: 'POST', path: '/api/auth/token', headers: FORM, body };
}

async function registerFully(server: ServerPeer, metadata: object): Promise<Registered> {
  const body = JSON.stringify({ client_name: `Benchmark ${randomUUID()}`, ...metadata });
  const answer = await goodAnswer(server.url, {
    method: 'POST',
    path: '/api/clients',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return JSON.parse(new TextDecoder().decode(answer)) as Registered;
}

async function issuerOf(server: ServerPeer): Promise<string> {
  const path = '/.well-known/oauth-authorization-server';
  const answer = await goodAnswer(server.url, { method: 'GET', path, headers: {}, body: '' });
  return (JSON.parse(new TextDecoder().decode(answer)) as { issuer: string }).issuer;
}

/** A certificate in DER, as base64. */
async function selfSignedCertificate(folder: string): Promise<string> {
  const file = join(folder, 'certificate.pem');
  const flags = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=bench'.split(' ');
  const made = Bun.spawn(['openssl', 'req', ...flags, '-keyout', join(folder, 'certificate.key'), '-out', file], {
    stderr: 'ignore',
  });
  if ((await made.exited) !== 0) throw new Error('openssl could not make a certificate.');
  return (await Bun.file(file).text()).replaceAll(/-----[^-]+-----|\s/g, '');
}

function certificateJwk(der: string): object {
  const key = new X509Certificate(Buffer.from(der, 'base64')).publicKey.export({ format: 'jwk' });
  return { ...key, x5c: [der] };
}
