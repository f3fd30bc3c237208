// The scene of the measurements: clients on a server, and the requests they send.
import type { Shot } from './load';

/** A client and its secret. */
export interface Account {
  readonly id: string;
  readonly secret: string;
}

const TOKEN_PATH = '/api/auth/token';
const RATES_PATH = '/api/currency/';

/** The token request of a client, as a form (RFC 6749 §4.4.2). */
export function tokenForm({ id, secret }: Account): Shot {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
  return tokenShot(body.toString());
}

/** The same with id and secret in the header (RFC 6749 §2.3.1), each form-encoded. */
export function tokenBasic({ id, secret }: Account): Shot {
  const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  const authorization = `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
  return tokenShot('grant_type=client_credentials', { authorization });
}

/** A token request with this body. */
export function tokenShot(body: string, headers: Readonly<Record<string, string>> = {}): Shot {
  return {
    method: 'POST',
    path: TOKEN_PATH,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  };
}

/** The request for all rates with a token. */
export function ratesRequest(token: string): Shot {
  return { method: 'GET', path: RATES_PATH, headers: { authorization: `Bearer ${token}` }, body: '' };
}

/** A client that the server does not know yet. The names and secrets of all accounts have the same lengths. */
export function newAccount(): Account {
  return { id: `bench-${Bun.randomUUIDv7()}`, secret: `chosen-${crypto.randomUUID()}` };
}

/** Registers an account. */
export async function register(serverUrl: string, { id, secret }: Account): Promise<void> {
  const body = JSON.stringify({ client_id: id, client_secret: secret, app_name: 'Benchmark' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${serverUrl}/api/auth/register`, { method: 'POST', headers, body });
  await expectOk(answer);
}

/** The bytes of a good answer to a request. */
export async function goodAnswer(serverUrl: string, { method, path, headers, body }: Shot): Promise<Uint8Array> {
  const answer = await fetch(serverUrl + path, { method, headers, ...(body === '' ? {} : { body }) });
  return expectOk(answer);
}

/** The access token in a token answer. */
export function tokenIn(answer: Uint8Array): string {
  const { access_token } = JSON.parse(new TextDecoder().decode(answer)) as { access_token: string };
  return access_token;
}

/** Disables a client as an administrator would: in its row, of which the server is told. */
export async function disable(databaseUrl: string, { id }: Account): Promise<void> {
  await using sql = new Bun.SQL(databaseUrl);
  await sql`update clients set is_active = false where client_id = ${id}`;
}

async function expectOk(answer: Response): Promise<Uint8Array> {
  const bytes = await answer.bytes();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${new TextDecoder().decode(bytes)}`);
  return bytes;
}
