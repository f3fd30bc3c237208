import { treaty } from '@elysiajs/eden';
import type { App } from '../server/contract';
import type { Deadline, Fetch } from './ports';

/** Longest wait for rates, in milliseconds: the server answers them from memory. */
export const RATES_DEADLINE_MS = 5_000;

/** Longest wait for a sign of life, in milliseconds. */
const HEALTH_DEADLINE_MS = 3_000;

/** What a call came to: the body of a good answer, or what stood in its way. */
export type ServerAnswer =
  | { readonly kind: 'data'; readonly data: unknown }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter: string | null }
  | { readonly kind: 'failed'; readonly cause: unknown };

/** The calls that the client makes to crypto-server, apart from asking for tokens. They never reject. */
export interface ServerApi {
  rates(): Promise<ServerAnswer>;
  health(): Promise<ServerAnswer>;
}

/** What {@link createServerApi} needs. */
export interface ServerApiDeps {
  readonly serverUrl: string;
  readonly fetch: Fetch;
  /** Adds the access token. */
  readonly authorizedFetch: Fetch;
  readonly deadline: Deadline;
}

/** Typed calls (Eden): a path or a body that the server does not have is an error of the compiler. */
export function createServerApi({ serverUrl, fetch, authorizedFetch, deadline }: ServerApiDeps): ServerApi {
  const open = treaty<App>(serverUrl, { fetcher: asFetcher(fetch), parseDate: false });
  const guarded = treaty<App>(serverUrl, { fetcher: asFetcher(authorizedFetch, withSlash), parseDate: false });
  return {
    rates: async () => judge(await guarded.api.currency.get({ fetch: { signal: deadline(RATES_DEADLINE_MS) } })),
    health: async () => judge(await open.health.get({ fetch: { signal: deadline(HEALTH_DEADLINE_MS) } })),
  };
}

/** What Eden hands over; without an answer it makes up a 503 with what was thrown inside and no `response`. */
interface EdenAnswer {
  readonly data: unknown;
  readonly error: { readonly value: unknown } | null;
  readonly response: Response | undefined;
  readonly status: number;
}

function judge({ data, error, response, status }: EdenAnswer): ServerAnswer {
  if (error === null) return { kind: 'data', data };
  if (response === undefined) return { kind: 'failed', cause: error.value };
  return { kind: 'status', status, retryAfter: response.headers.get('retry-after') };
}

/** Eden asks for the whole of the global fetch, of which it only calls. No redirect is followed: what another address says is not the server's word. */
function asFetcher(inner: Fetch, urlOf = (url: string): string => url): typeof globalThis.fetch {
  const request = (url: string, init: RequestInit) => new Request(urlOf(url), { ...init, redirect: 'manual' });
  return ((url: string, init: RequestInit) => inner(request(url, init))) as typeof globalThis.fetch;
}

/** Eden leaves the slash at the end out, without which a server of another make knows no list, or knows it elsewhere. */
function withSlash(url: string): string {
  return url.endsWith('/api/currency') ? `${url}/` : url;
}
