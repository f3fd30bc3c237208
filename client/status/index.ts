/** What the client tells of itself: `/api/status`, the page at `/`, and whether the server answers. Apart from credentials/, because it can change nothing. */
import { Elysia, t } from 'elysia';
import { FILE_HEADERS, pageHeaders } from '../../kit/http/page';
import { Problem } from '../../kit/http/problem';
import { CredentialModel } from '../credentials/model';
import type { Feed } from '../rates/feed';
import type { ServerApi } from '../server-api';
import { ServerStatus } from '../servers/model';
import { StreamStatus } from '../stream/model';
import { ASSETS, CONTENT_SECURITY_POLICY, renderPage, SIGN_IN_PAGE } from './page';
import type { StatusReport } from './report';
import { describePage } from './view';

/** What the routes need. */
export interface StatusRoutesOptions {
  readonly report: () => StatusReport;
  readonly feed: Pick<Feed, 'state'>;
  readonly server: Pick<ServerApi, 'health'>;
  readonly version: string;
  /** False for a caller who has yet to give the password. */
  readonly isSignedIn: (request: Request) => boolean;
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
export function statusRoutes({ report, feed, server, version, isSignedIn, routes }: StatusRoutesOptions) {
  const page = ({ request }: { request: Request }): Response => {
    if (!isSignedIn(request)) return new Response(SIGN_IN_PAGE, { headers: PAGE_HEADERS });
    const { last, before } = feed.state();
    return new Response(renderPage(describePage(report(), last?.rates ?? [], before), version), {
      headers: PAGE_HEADERS,
    });
  };
  const app = new Elysia({ name: 'status' })
    .get('/', page, { detail: { hide: true } })
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
  for (const [path, { content, type }] of Object.entries(ASSETS)) {
    const headers = { ...FILE_HEADERS, 'content-type': type, 'cache-control': 'no-cache' };
    app.get(path, () => new Response(content, { headers }), { detail: { hide: true } });
  }
  return app;
}

const PAGE_HEADERS = { ...pageHeaders(CONTENT_SECURITY_POLICY), 'cache-control': 'no-store' };

async function testServer(server: Pick<ServerApi, 'health'>) {
  const answer = await server.health();
  if (answer.kind === 'data') return { status: 'success', server_response: answer.data };
  const said = answer.kind === 'status' ? `answers its health with status ${answer.status}` : 'does not answer';
  throw new Problem(503, 'Service Unavailable', `The server ${said}.`, { 'retry-after': '5' });
}

function describeRoutes(routes: readonly { readonly method: string; readonly path: string }[], version: string) {
  // A dot is in the names of files alone, which the pages load by themselves.
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
