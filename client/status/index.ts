/** What the client tells of itself: `/api/status`, the list of its routes, and whether the server answers. Apart from credentials/, because it can change nothing. */
import { Elysia, t } from 'elysia';
import { Problem } from '../../kit/http/problem';
import { CredentialModel } from '../credentials/model';
import type { ServerApi } from '../server-api';
import { ServerStatus } from '../servers/model';
import { StreamStatus } from '../stream/model';
import type { StatusReport } from './report';

/** What the routes need. */
export interface StatusRoutesOptions {
  readonly report: () => StatusReport;
  readonly server: Pick<ServerApi, 'health'>;
  readonly version: string;
  /** All routes that the index of the API lists. */
  readonly routes: () => readonly { readonly method: string; readonly path: string }[];
}

const NullableText = t.Union([t.String(), t.Null()]);
const NullableNumber = t.Union([t.Integer(), t.Null()]);

const Status = t.Object({
  authenticated: t.Boolean({ description: 'True while there is a live token.' }),
  client_id: t.String(),
  app_name: t.String(),
  credential: t.Object({ origin: t.String(), registered: t.Boolean() }),
  server_url: t.String(),
  issuer: t.String(),
  has_token: t.Boolean(),
  token_expires_at: NullableText,
  token_expires_in: NullableNumber,
  token_scope: NullableText,
  renewal: t.Object({ last_at: NullableText, next_at: NullableText, last_error: NullableText }),
  server: t.Object({
    state: t.Union([t.Literal('ok'), t.Literal('away'), t.Literal('refused'), t.Literal('unknown')], {
      description:
        '`away`: no usable answer. `refused`: reached, but it turns this client away. `unknown`: before the first attempt.',
    }),
    away_since: NullableText,
    next_attempt_at: NullableText,
    last_error: NullableText,
  }),
  rates: t.Object({ count: t.Integer(), fetched_at: NullableText, age_seconds: NullableNumber, stale: t.Boolean() }),
  version: t.String(),
  credential_name: t.String(),
  credentials: t.Array(CredentialModel),
  stream: StreamStatus,
  servers: t.Array(ServerStatus),
});

/** Routes of the status. */
export function statusRoutes({ report, server, version, routes }: StatusRoutesOptions) {
  return new Elysia({ name: 'status' })
    .get('/api', () => json(describeRoutes(routes(), version)), {
      response: { 200: t.Object({ service: t.String(), version: t.String(), endpoints: t.Array(t.String()) }) },
      detail: { operationId: 'index', tags: ['Status'], summary: 'What there is' },
    })
    .get('/api/status', () => json(report()), {
      response: { 200: Status },
      detail: { operationId: 'status', tags: ['Status'], summary: 'How the client is' },
    })
    .get('/api/test-server', async () => json(await testServer(server)), {
      response: { 200: t.Object({ status: t.Literal('success'), server_response: t.Unknown() }) },
      detail: { operationId: 'testServer', tags: ['Status'], summary: 'Does the server answer?' },
    });
}

async function testServer(server: Pick<ServerApi, 'health'>) {
  const answer = await server.health();
  if (answer.kind === 'data') return { status: 'success', server_response: answer.data };
  const said = answer.kind === 'status' ? `answers its health with status ${answer.status}` : 'does not answer';
  throw new Problem(503, 'Service Unavailable', `The server ${said}.`, { 'retry-after': '5' });
}

function describeRoutes(routes: readonly { readonly method: string; readonly path: string }[], version: string) {
  // A dot is in the names of files alone, which the page loads by itself.
  const endpoints = routes.filter(({ path }) => !path.includes('.'));
  return {
    service: 'crypto-client',
    version,
    endpoints: endpoints.map(({ method, path }) => `${method} ${path}`).sort(),
  };
}

function json(body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { headers });
}
