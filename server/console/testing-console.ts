// The real server behind the console of the tests, on an empty database.
import type { Rows } from '../../db/rows';
import { freshEmbedded } from '../../db/testing';
import type { CreatedClient } from '../admin/contract';
import { ADMIN_SECRET, form, json, startTestServer, type TestServerOptions } from '../testing';

/** A server with a console. */
export interface ConsoleServer {
  /** Under the name that the issuer has, as people open it. */
  readonly url: string;
  readonly issuer: string;
  readonly adminSecret: string;
  /** Without a request for this long a session ends. */
  readonly idleSeconds: number;
  /** What the token endpoint answers to a client and a secret. */
  tokenStatus(id: string, secret: string): Promise<number>;
  /** The id of a request that was refused. */
  failedRequest(): Promise<string>;
  /** Changes the client as another administrator. @returns the status. */
  patch(id: string, change: Readonly<Record<string, unknown>>): Promise<number>;
  /** Gives the client another secret and ends those that it has. @returns the status. */
  rotate(id: string): Promise<number>;
  /** A client with this id. @returns its secret. */
  createClient(id: string): Promise<string>;
  /** A client as the admin API makes it. */
  create(body: Readonly<Record<string, unknown>>): Promise<CreatedClient>;
  /** Rows behind the server's back. */
  readonly rows: Rows;
  close(): Promise<void>;
}

/** The time of the browser; certificates can come in, so that every way of authenticating is offered. */
const REAL = { now: Date.now, behindProxy: true, mtlsAuthorities: '-----' };

/** Starts it, one at a time. Its clock is real, since the browser's is. */
export async function startConsoleServer(options: TestServerOptions = {}): Promise<ConsoleServer> {
  const database = await freshEmbedded();
  const server = await startTestServer(database, { ...options, settings: { ...REAL, ...options.settings } });
  const ask = (id: string, secret: string): Promise<Response> =>
    server.ask(
      '/api/auth/token',
      form({ grant_type: 'client_credentials', client_id: id, client_secret: secret, scope: 'currency:read' }),
    );
  const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
  const create: ConsoleServer['create'] = async (body) => {
    const answer = await server.ask('/api/admin/clients', { ...json(body), headers });
    if (answer.status !== 201) throw new Error(`client: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as CreatedClient;
  };
  return {
    url: server.issuer,
    issuer: server.issuer,
    adminSecret: ADMIN_SECRET,
    idleSeconds: 900,
    tokenStatus: async (id, secret) => (await ask(id, secret)).status,
    failedRequest: async () => (await ask('nobody', 'a wrong secret')).headers.get('x-request-id') ?? '',
    patch: async (id, change) => {
      const init = { ...json(change, 'PATCH'), headers };
      return (await server.ask(`/api/admin/clients/${id}`, init)).status;
    },
    rotate: async (id) => {
      const body = json({ overlap_seconds: 0 });
      return (await server.ask(`/api/admin/clients/${id}/secrets`, { ...body, headers })).status;
    },
    createClient: async (id) => (await create({ client_id: id, app_name: 'Sample' })).client_secret ?? '',
    create,
    rows: database.rows,
    close: async () => {
      await server.close();
      await database.close();
    },
  };
}
