// Introspection, the price of the revoked, and tokens by each way of authenticating.
import type { Made } from '../kit/testing-certificates';
import type { Figure } from './figure';
import type { Shot } from './load';
import type { ServerPeer } from './processes';
import { goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { type Pace, type Race, race } from './throughput';
import { registerGenerated, waysOf } from './ways';

/** What the measurements stand on. */
export interface MethodsOptions {
  /** Of introspection and revocation, which are held. */
  readonly pace: Pace;
  /** Of the ways of authenticating: short rounds, or all of it would take ten minutes. */
  readonly shortPace: Pace;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly databaseUrl: string;
  /** Signs client certificates that the server trusts. */
  readonly authority: Made;
}

/** Tokens that are asked about in turn. */
const INTROSPECTED = 1_000;

/** Revoked tokens that are held while the rates are read. */
const REVOKED = 100_000;

/** Until the server has heard of them all. */
const HEARD_MS = 10_000;

/** The figure to hold is for tokens by a hashed secret; the other ways sign, verify or write more. */
const BY_SECRET: Readonly<Record<string, number>> = { client_secret_basic: 0.15, client_secret_post: 0.15 };

/** Runs each race in turn. */
export async function measureMethods(server: ServerPeer, options: MethodsOptions): Promise<Figure[]> {
  const { databaseUrl, authority } = options;
  const figures: Figure[] = [];
  const run = async (name: string, shot: Race['shot'], ratioAtLeast: number | null, pace: Pace): Promise<void> => {
    const answer = await goodAnswer(server.url, firstOf(await shot(0)));
    const told = { name, shot, answer, ratioAtLeast, p99AtMostMs: null };
    figures.push(...(await race(told, server, { ...options, pace })));
  };
  await run(`introspection of ${thousands(INTROSPECTED)} tokens`, await introspection(server), 0.3, options.pace);
  await run(
    `rates, ${thousands(REVOKED)} tokens revoked`,
    await afterRevocations(server, databaseUrl),
    0.6,
    options.pace,
  );
  for (const [name, way] of waysOf(authority))
    await run(`token, ${name}`, await way(server), BY_SECRET[name] ?? null, options.shortPace);
  return figures;
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}

/** The first of requests that take turns, as a request of its own. */
function firstOf({ inTurn, ...shot }: Shot): Shot {
  const [text = ''] = inTurn?.texts ?? [];
  if (inTurn === undefined) return shot;
  const { header } = inTurn;
  return header === null
    ? { ...shot, body: shot.body + text }
    : { ...shot, headers: { ...shot.headers, [header]: text } };
}

/** Each token has been asked about once before, and is said to be active: it is remembered then, as tokens in use are. */
async function introspection(server: ServerPeer): Promise<Race['shot']> {
  const account = await registerGenerated(server);
  const form = tokenForm(account);
  const credentials = new URLSearchParams({ client_id: account.id, client_secret: account.secret });
  const shot: Shot = { ...form, path: '/api/auth/introspect', body: `${credentials}&token=` };
  const texts: string[] = [];
  for (let at = 0; at < INTROSPECTED; at++) {
    const token = tokenIn(await goodAnswer(server.url, form));
    const told = await goodAnswer(server.url, { ...shot, body: shot.body + token });
    const { active } = JSON.parse(new TextDecoder().decode(told)) as { active: boolean };
    if (!active) throw new Error('A token that was just issued is said not to be active.');
    texts.push(token);
  }
  return () => ({ ...shot, inTurn: { header: null, texts, again: true } });
}

async function afterRevocations(server: ServerPeer, databaseUrl: string): Promise<Race['shot']> {
  const account = newAccount();
  await register(server.url, account);
  const [token, revoked] = [
    tokenIn(await goodAnswer(server.url, tokenForm(account))),
    tokenIn(await goodAnswer(server.url, tokenForm(account))),
  ];
  await using sql = new Bun.SQL(databaseUrl);
  await sql`insert into revoked_tokens (jti, expires_at)
    select gen_random_uuid()::text, now() + interval '1 hour' from generate_series(1, ${REVOKED})`;
  const body = new URLSearchParams({ token: revoked, client_id: account.id, client_secret: account.secret });
  await goodAnswer(server.url, { ...tokenForm(account), path: '/api/auth/revoke', body: body.toString() });
  await expectRevoked(server, revoked);
  return () => ratesRequest(token);
}

/** All revoked tokens are held, and the one that was used is refused. */
async function expectRevoked(server: ServerPeer, token: string): Promise<void> {
  const deadline = performance.now() + HEARD_MS;
  while ((await countRevoked(server)) <= REVOKED) {
    if (performance.now() > deadline) throw new Error(`Not all of ${REVOKED} revoked tokens are held.`);
    await Bun.sleep(100);
  }
  const { path, headers } = ratesRequest(token);
  const { status } = await fetch(server.url + path, { headers });
  if (status !== 401) throw new Error(`A revoked token is answered ${status}.`);
}

async function countRevoked(server: ServerPeer): Promise<number> {
  const answer = await goodAnswer(server.url, { method: 'GET', path: '/metrics', headers: {}, body: '' });
  const [, count] = /^crypto_server_revoked_tokens_held (\d+)$/m.exec(new TextDecoder().decode(answer)) ?? [];
  return Number(count);
}
