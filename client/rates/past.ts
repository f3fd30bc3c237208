import { Elysia, t } from 'elysia';
import { notFound, Problem } from '../../kit/http/problem';
import { busy, quote, readObject, sayNetworkError } from '../auth/answer';
import { TokenError } from '../auth/token';
import { namedCredential } from '../credential-parameter';
import type { CredentialSession } from '../credentials/session';
import type { Clock, Deadline } from '../ports';

/** What the routes need. */
export interface PastRoutesOptions {
  /** Everything to call with a credential; null: the one in use. Throws Problem 404. */
  readonly session: (name: string | null) => Pick<CredentialSession, 'servers' | 'fetch'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly deadline: Deadline;
}

/** Longest wait for an answer, in milliseconds: the server reads its database for it. */
const DEADLINE_MS = 5_000;

/** What the server is asked for a part of; all else of a query stays here. */
const PARAMETERS = ['interval', 'from', 'to', 'limit', 'cursor'] as const;

/** Routes of what has been: candles and ticks of one currency, which only the server keeps. */
export function pastRoutes({ session, clock, deadline }: PastRoutesOptions) {
  const pass = async (request: Request, symbol: string, what: 'candles' | 'history'): Promise<Response> => {
    if (!/^[A-Za-z0-9]{1,16}$/.test(symbol)) throw notFound('The server knows no currency with this symbol.');
    const { servers, fetch } = session(namedCredential(request));
    const address = `${servers.urls[0]}/api/currency/${symbol}/${what}${queryOf(request)}`;
    const asked = new Request(address, {
      headers: { accept: 'application/json' },
      // What another address says is not the server's word.
      redirect: 'manual',
      signal: AbortSignal.any([request.signal, deadline(DEADLINE_MS)]),
    });
    const answer = await fetch(asked).catch((error: unknown) => {
      throw error instanceof TokenError ? error : unreachable(sayNetworkError(error, new URL(address).origin));
    });
    if (answer.status !== 200) throw await problemOf(answer, clock.now());
    return new Response(answer.body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });
  };
  return new Elysia({ name: 'past' })
    .get('/api/currencies/:symbol/candles', ({ request, params }) => pass(request, params.symbol, 'candles'), {
      params: OneCurrency,
      response: { 200: t.Array(t.Object({}, { additionalProperties: true })) },
      detail: { operationId: 'getCandles', tags: ['Rates'], summary: 'Candles of one currency', description: PASSED },
    })
    .get('/api/currencies/:symbol/history', ({ request, params }) => pass(request, params.symbol, 'history'), {
      params: OneCurrency,
      response: { 200: t.Object({}, { additionalProperties: true }) },
      detail: { operationId: 'getHistory', tags: ['Rates'], summary: 'Ticks of one currency', description: PASSED },
    });
}

const OneCurrency = t.Object({ symbol: t.String({ examples: ['BTC'] }) });

const PASSED =
  'The answer of the server, as its own documentation tells of it: `interval`, `from`, `to`, `limit` and `cursor` are passed on. 502 while it refuses this client, 503 while none can be reached.';

function queryOf(request: Request): string {
  const given = new URL(request.url).searchParams;
  const kept = PARAMETERS.flatMap((name) => given.getAll(name).map((value): [string, string] => [name, value]));
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`;
}

/** The server's no to what the caller asked, in its words; its no to this client is none of the caller's. */
async function problemOf(answer: Response, nowMs: number): Promise<Problem> {
  const { status } = answer;
  const passing = busy(answer, nowMs);
  if (passing !== null) return unreachable(new TokenError(passing).message);
  const body = await readObject(answer);
  if (status === 404) return notFound(quote(body?.['detail'], []) ?? 'The server has none.');
  if (status === 400 || status === 422)
    return new Problem(
      422,
      'Unprocessable Content',
      quote(body?.['detail'], []) ?? 'The server does not take the query.',
    );
  return new Problem(502, 'Bad Gateway', `The server refuses this to this client (status ${status}).`);
}

function unreachable(detail: string): Problem {
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': '5' });
}
