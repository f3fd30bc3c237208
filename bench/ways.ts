// Token requests by each way of authenticating, as a client makes them.
import { randomUUID } from 'node:crypto';
import { CLIENT, type Made, makeCertificate } from '../kit/testing-certificates';
import type { Shot } from './load';
import type { ServerPeer } from './processes';
import { assertions, newSigner, proofs, type Signer } from './proofs';
import { type Account, goodAnswer, tokenBasic, tokenForm, tokenShot } from './setting';
import type { Race } from './throughput';

/** Makes the requests of a race; registers a client for them first. */
type Way = (server: ServerPeer) => Promise<Race['shot']>;

/** Requests that are good once only are signed ahead: more a second than any server has answered. */
const ONCE_PER_SECOND = 20_000;

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The ways by their names in RFC 7591 and RFC 8705. `authority` signs client certificates that the server trusts. */
export function waysOf(authority: Made): readonly (readonly [string, Way])[] {
  return [
    ['client_secret_basic', async (server) => constant(tokenBasic(await registerGenerated(server)))],
    ['client_secret_post', async (server) => constant(tokenForm(await registerGenerated(server)))],
    ['private_key_jwt', privateKeyJwt],
    ['tls_client_auth', tlsClientAuth(authority)],
    ['self_signed_tls_client_auth', selfSigned],
    ['client_secret_post and DPoP', dpopBound],
  ];
}

/** A client whose secret the server made. */
export async function registerGenerated(server: ServerPeer, metadata: object = {}): Promise<Account> {
  const { client_id: id, client_secret: secret = '' } = await registerFully(server, metadata);
  return { id, secret };
}

function constant(shot: Shot): Race['shot'] {
  return () => shot;
}

const count = (seconds: number): number => Math.max(1, Math.ceil(seconds * ONCE_PER_SECOND));

async function privateKeyJwt(server: ServerPeer): Promise<Race['shot']> {
  const signer = newSigner();
  const { client_id: clientId } = await registerFully(server, {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...signer.publicJwk, kid: 'bench', alg: 'ES256', use: 'sig' }] },
  });
  const issuer = await issuerOf(server);
  const type = encodeURIComponent(ASSERTION_TYPE);
  const shot = tokenShot(`grant_type=client_credentials&client_assertion_type=${type}&client_assertion=`);
  return (seconds) => {
    const texts = assertions(signer, { clientId, issuer }, count(seconds));
    return { ...shot, inTurn: { header: null, texts, again: false } };
  };
}

/** Tokens of both ways with a certificate are bound to it. */
async function withCertificate(server: ServerPeer, { x509 }: Made, metadata: object): Promise<Race['shot']> {
  const { client_id } = await registerFully(server, { tls_client_certificate_bound_access_tokens: true, ...metadata });
  const header = { 'client-cert': `:${x509.raw.toString('base64')}:` };
  return constant(tokenShot(`grant_type=client_credentials&client_id=${client_id}`, header));
}

function tlsClientAuth(authority: Made): Way {
  const made = makeCertificate({ subject: '/O=Benchmark/CN=bench', issuer: authority, extensions: CLIENT });
  const subject = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=bench,O=Benchmark' };
  return (server) => withCertificate(server, made, subject);
}

function selfSigned(server: ServerPeer): Promise<Race['shot']> {
  const made = makeCertificate({ subject: '/CN=bench' });
  const jwk = { ...made.x509.publicKey.export({ format: 'jwk' }), x5c: [made.x509.raw.toString('base64')] };
  return withCertificate(server, made, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [jwk] },
  });
}

async function dpopBound(server: ServerPeer): Promise<Race['shot']> {
  const signer = newSigner();
  const shot = tokenForm(await registerGenerated(server, { dpop_bound_access_tokens: true }));
  const uri = `${await issuerOf(server)}${shot.path}`;
  return async (seconds) => {
    const nonce = await nonceOf(server, shot, signer, uri);
    const texts = proofs(signer, { method: 'POST', uri, nonce }, count(seconds));
    return { ...shot, inTurn: { header: 'DPoP', texts, again: false } };
  };
}

/** A proof without a nonce is answered with one (RFC 9449 §8). */
async function nonceOf(server: ServerPeer, shot: Shot, signer: Signer, uri: string): Promise<string> {
  const { path, headers, body } = shot;
  const [proof = ''] = proofs(signer, { method: 'POST', uri, nonce: '' }, 1);
  const answer = await fetch(server.url + path, { method: 'POST', headers: { ...headers, DPoP: proof }, body });
  return answer.headers.get('dpop-nonce') ?? '';
}

/** What a server answers to a registration (RFC 7591 §3.2.1). */
interface Registered {
  readonly client_id: string;
  readonly client_secret?: string;
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
