/** The client's API, as the page asks it: the only place that sends requests. */
import type { Candle, CredentialView, Interval, Rate, Session, Status } from './model';

/** A request that was not answered as asked. Status 0: there was no answer. */
export class ApiError extends Error {
  readonly status: number;
  /** Seconds to wait before the next try, or null. */
  readonly retryAfter: number | null;
  constructor(status: number, detail: string, retryAfter: number | null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** All calls; they throw {@link ApiError}. */
export interface Api {
  session(): Promise<Session>;
  signIn(password: string): Promise<void>;
  signOut(): Promise<void>;
  status(): Promise<Status>;
  rates(): Promise<readonly Rate[]>;
  candles(symbol: string, interval: Interval, limit: number): Promise<readonly Candle[]>;
  addCredential(given: Readonly<Record<string, unknown>>): Promise<CredentialView>;
  useCredential(name: string): Promise<CredentialView>;
  rotateCredential(name: string): Promise<CredentialView>;
  removeCredential(name: string): Promise<void>;
}

/** A local program answers at once, and its server within some seconds. */
const TIMEOUT_MS = 15_000;

/** Makes the calls; `signedOut` is told when the client asks for a password again. */
export function createApi(signedOut: () => void): Api {
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const answer = await send(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (answer.ok) return answer;
    throw await errorOf(answer);
  };
  const guarded: typeof ask = async (...request) => {
    try {
      return await ask(...request);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401 && (await isSignedOut())) signedOut();
      throw error;
    }
  };
  const session = async (): Promise<Session> => read(await ask('GET', '/api/session'));
  /** A 401 may also be what the server said to the client. */
  const isSignedOut = async (): Promise<boolean> => {
    const { required, signed_in } = await session();
    return required && !signed_in;
  };
  const credential = (name: string): string => `/api/credentials/${encodeURIComponent(name)}`;
  return {
    session,
    signIn: async (password) => void (await ask('POST', '/api/session', { password })),
    signOut: async () => void (await ask('DELETE', '/api/session')),
    status: async () => read(await guarded('GET', '/api/status')),
    rates: async () => read(await guarded('GET', '/api/currencies')),
    candles: async (symbol, interval, limit) => {
      // The newest are asked for: the server gives them oldest first from where one asks.
      const path = `/api/currencies/${encodeURIComponent(symbol)}/candles?interval=${interval}&limit=${limit}`;
      return read(await guarded('GET', path));
    },
    addCredential: async (given) => read(await guarded('POST', '/api/credentials', given)),
    useCredential: async (name) => read(await guarded('POST', `${credential(name)}/use`)),
    rotateCredential: async (name) => read(await guarded('POST', `${credential(name)}/rotate`)),
    removeCredential: async (name) => void (await guarded('DELETE', credential(name))),
  };
}

/** Sends a request to this origin. Throws {@link ApiError} with status 0 when there is no answer. */
async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await window.fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
  } catch {
    throw new ApiError(0, '', null);
  }
}

async function read<Answer>(answer: Response): Promise<Answer> {
  return (await answer.json()) as Answer;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const problem = await answer.json().catch(() => null);
  const told: unknown = problem?.detail ?? problem?.title;
  const wait = Number(answer.headers.get('retry-after') ?? Number.NaN);
  return new ApiError(answer.status, typeof told === 'string' ? told : '', Number.isFinite(wait) ? wait : null);
}
