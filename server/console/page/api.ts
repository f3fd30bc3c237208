import type { SessionView } from '../../admin/contract';
import { save } from './ui/save';

/** Query parameters; empty ones are left out. */
export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** A refusal of the admin API (RFC 9457), or status 0 when the server does not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** What the operator finds the cause by. */
  readonly requestId: string | null;
  /** Seconds to wait, where the server says so. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, detail: string, requestId: string | null, retryAfterSeconds: number | null) {
    super(detail);
    this.status = status;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The admin API as the page calls it. Every call throws {@link ApiError}. */
export interface Api {
  /** The session of the cookie; null: there is none. */
  session(): Promise<SessionView | null>;
  signIn(adminSecret: string): Promise<SessionView>;
  signOut(): Promise<void>;
  get<Answer>(path: string, query?: Query): Promise<Answer>;
  /** The same, of an answer that takes as long as it takes. */
  wait<Answer>(path: string): Promise<Answer>;
  send<Answer>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
  /** Lets the browser save the answer as a file while it arrives, once it is known that somebody is signed in. */
  download(path: string, query: Query): Promise<void>;
  /** Milliseconds on the page's clock of the last answer that kept the session alive. */
  lastUsedMs(): number;
}

/** What the API needs of the page. */
export interface ApiOptions {
  readonly now: () => number;
  /** The session is over: somebody has to sign in again. */
  readonly signedOut: () => void;
}

const TIMEOUT_MS = 20_000; // far above any answer of a server that is well, but of the few that read everything there is

/** Makes the API. The CSRF token lives in this closure and nowhere else. */
export function createApi({ now, signedOut }: ApiOptions): Api {
  let csrfToken = '';
  let usedMs = now();
  const keep = (session: SessionView): SessionView => {
    csrfToken = session.csrf_token;
    return session;
  };
  const ask = async (method: string, path: string, body?: object, init: RequestInit = {}): Promise<Response> => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (csrfToken !== '') headers['x-csrf-token'] = csrfToken;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await send(`/api/admin/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...init,
    });
    if (answer.ok) {
      usedMs = now();
      return answer;
    }
    throw await errorOf(answer);
  };
  const session = async (): Promise<SessionView | null> => {
    try {
      return keep(await read(await ask('GET', 'session')));
    } catch (error) {
      if (hasStatus(error, 401)) return null;
      throw error;
    }
  };
  /** Another tab that signed in has changed the token of all of them. */
  const isStale = async (): Promise<boolean> => {
    const before = csrfToken;
    return (await session()) !== null && csrfToken !== before;
  };
  const guarded: typeof ask = async (...request) => {
    try {
      return await ask(...request);
    } catch (error) {
      if (hasStatus(error, 403) && (await isStale())) return ask(...request);
      if (hasStatus(error, 401)) {
        csrfToken = '';
        signedOut();
      }
      throw error;
    }
  };
  return {
    lastUsedMs: () => usedMs,
    session,
    signIn: async (adminSecret) => keep(await read(await ask('POST', 'session', { admin_secret: adminSecret }))),
    signOut: async () => {
      await guarded('DELETE', 'session');
      csrfToken = '';
    },
    get: async (path, query = {}) => read(await guarded('GET', withQuery(path, query))),
    send: async (method, path, body) => read(await guarded(method, path, body)),
    wait: async (path) => read(await guarded('GET', path, undefined, { signal: null })),
    download: async (path, query) => {
      await guarded('GET', 'session');
      // The cookie goes along, since it is this very page that asks; the answer says itself what the file is called.
      save(`/api/admin/${withQuery(path, query)}`, '');
    },
  };
}

/** Sends a request to this origin. Throws {@link ApiError} with status 0 when there is no answer. */
export async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await window.fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  } catch {
    throw new ApiError(0, 'The server does not answer. Check that it runs, then try again.', null, null);
  }
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

async function read<Answer>(answer: Response): Promise<Answer> {
  const text = await answer.text();
  return (text === '' ? null : JSON.parse(text)) as Answer;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const problem = await answer.json().catch(() => null);
  const told: unknown = problem?.detail ?? problem?.title;
  const detail = typeof told === 'string' ? told : `The server answered with status ${answer.status}.`;
  const requestId = answer.headers.get('x-request-id') ?? problem?.request_id ?? null;
  const wait = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return new ApiError(answer.status, detail, requestId, Number.isFinite(wait) ? wait : null);
}
