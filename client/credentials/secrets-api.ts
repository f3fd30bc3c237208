import { busy, leave, quote, readObject, send } from '../auth/answer';
import { basic } from '../auth/authentication';
import { TokenError } from '../auth/token';
import type { Clock, Fetch } from '../ports';
import type { Servers } from '../servers/servers';

/** Longest wait for an answer, in milliseconds: the server may hash the secret that authenticates, slowly. */
const SECRETS_DEADLINE_MS = 15_000;

/** A live or ended secret as the server shows it. */
export interface SeenSecret {
  readonly id: number;
  readonly label: string;
  /** Its last characters; null: the server spares none. */
  readonly hint: string | null;
  readonly isLive: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

/** A secret that the server made. */
export interface MadeSecret {
  readonly value: string;
  readonly id: number;
  readonly expiresAtMs: number | null;
}

/** The secrets of one client at its server. All reject with {@link TokenError}; `refused` when the server takes none of the secrets. */
export interface SecretsApi {
  /** Null: this server has no such thing. */
  list(by: readonly string[]): Promise<readonly SeenSecret[] | null>;
  /** Makes one more; those there are stay as they are. */
  make(by: readonly string[], asked: { label: string; expiresInSeconds: number | null }): Promise<MadeSecret>;
  /** Ends one; one that is not there has ended. */
  end(by: readonly string[], id: number): Promise<void>;
}

/** What {@link secretsApi} needs. */
export interface SecretsApiDeps {
  readonly servers: Pick<Servers, 'run'>;
  readonly clientId: string;
  readonly fetch: Fetch;
  readonly clock: Pick<Clock, 'now'>;
}

/** Calls of `/api/clients/{client_id}/secrets`, authenticated by one of the client's secrets: the next is tried when the one before is refused. */
export function secretsApi({ servers, clientId, fetch, clock }: SecretsApiDeps): SecretsApi {
  const path = `/api/clients/${encodeURIComponent(clientId)}/secrets`;
  const once = (secret: string, method: string, suffix: string, body: object | null): Promise<Response | null> =>
    servers.run(
      async (server, signal) => {
        // A server without metadata is not asked for what it cannot know.
        if ((await server.endpoint()).style === 'json') return null;
        const headers = new Headers({ accept: 'application/json' });
        headers.set('authorization', basic({ clientId, clientSecret: secret }));
        if (body !== null) headers.set('content-type', 'application/json');
        const init = { method, headers, signal, redirect: 'manual', body: body && JSON.stringify(body) } as const;
        const response = await send(fetch, new Request(`${server.url}${path}${suffix}`, init));
        const passing = busy(response, clock.now());
        if (passing !== null) throw new TokenError(passing);
        return response;
      },
      { deadlineMs: SECRETS_DEADLINE_MS },
    );
  const call = async (by: readonly string[], method: string, suffix = '', body: object | null = null) => {
    for (const secret of by) {
      const response = await once(secret, method, suffix, body);
      if (response?.status !== 401) return response;
      leave(response);
    }
    throw new TokenError({ kind: 'refused', error: 'invalid_client', description: null });
  };
  return {
    async list(by) {
      const response = await call(by, 'GET');
      if (response === null || response.status === 404 || response.status === 405) return null;
      const body = await whole(response, 200, by);
      return Array.isArray(body['items']) ? body['items'].flatMap((item) => readSeen(item) ?? []) : [];
    },
    async make(by, { label, expiresInSeconds }) {
      const asked = { label, expires_in_seconds: expiresInSeconds, overlap_seconds: null };
      const response = await call(by, 'POST', '', asked);
      if (response === null) throw new TokenError({ kind: 'not_rotated', status: 404, detail: null });
      const body = await whole(response, 201, by);
      const seen = readSeen(body['secret']);
      const value = body['client_secret'];
      if (typeof value !== 'string' || value === '' || seen === null)
        throw new TokenError({ kind: 'malformed', detail: 'a new secret is answered without the secret' });
      return { value, id: seen.id, expiresAtMs: seen.expiresAtMs };
    },
    async end(by, id) {
      const response = await call(by, 'DELETE', `/${id}`);
      if (response !== null && response.status !== 404) await whole(response, 204, by);
    },
  };
}

/** The body of an answer with this status. The server was `shown` these secrets. */
async function whole(
  response: Response,
  wanted: number,
  shown: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const body = (await readObject(response)) ?? {};
  if (response.status === wanted) return body;
  throw new TokenError({ kind: 'not_rotated', status: response.status, detail: quote(body['detail'], shown) });
}

function readSeen(item: unknown): SeenSecret | null {
  if (typeof item !== 'object' || item === null) return null;
  const { id, label, hint, state, created_at, expires_at }: Readonly<Record<string, unknown>> = { ...item };
  if (typeof id !== 'number') return null;
  return {
    id,
    label: typeof label === 'string' ? label : '',
    hint: typeof hint === 'string' && hint !== '' ? hint : null,
    isLive: state !== 'ended',
    createdAtMs: millis(created_at) ?? 0,
    expiresAtMs: millis(expires_at),
  };
}

function millis(moment: unknown): number | null {
  const ms = typeof moment === 'string' ? Date.parse(moment) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
