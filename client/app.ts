import { Elysia } from 'elysia';
import type { AccessLog } from '../kit/http/access-log';
import { docsRoutes } from '../kit/http/docs';
import { createEdge } from '../kit/http/edge';
import { createErrorRule } from '../kit/http/errors';
import { type DependencyState, healthRoutes } from '../kit/http/health';
import { metricsRoutes } from '../kit/http/metrics';
import { describeApi } from '../kit/http/openapi';
import { problemResponse } from '../kit/http/problem';
import { requestId } from '../kit/http/request-id';
import type { Log } from '../kit/logs';
import { createAccess } from './access/access';
import { sessionRoutes } from './access/index';
import { TokenError } from './auth/token';
import { credentialRoutes } from './credentials/index';
import { tokenProblem, vaultProblem } from './credentials/problems';
import { dashboardRoutes } from './dashboard/index';
import { createMetrics } from './metrics/index';
import type { Clock, Deadline, Fetch, RandomBytes, Schedule } from './ports';
import { gatewayProblem, isProxied, proxyRoutes } from './proxy/index';
import { createIsSelf } from './proxy/target';
import { ratesRoutes } from './rates/index';
import { pastRoutes } from './rates/past';
import type { Services } from './services';
import { statusRoutes } from './status/index';
import { streamRoutes } from './stream/index';
import { VaultFault } from './vault/fault';
import { VERSION } from './version';

/** What {@link createApp} needs beside the services. */
export interface AppOptions {
  /** True while only this machine can reach the client. */
  readonly loopback: boolean;
  /** What guards the API; null: nothing, on loopback. */
  readonly password: string | null;
  readonly host: string;
  /** What https is served with; null: plain http. */
  readonly tls: object | null;
  readonly serverUrl: string;
  /** The last moment of the certificate that is served, in milliseconds since the epoch; null: plain http, or nobody listens yet. */
  readonly certificateEndsMs: () => number | null;
  /** What `/proxy` may reach; null: the servers. */
  readonly proxyTargets: readonly string[] | null;
  readonly fetch: Fetch;
  readonly issuer: string;
  /** False before the start is complete and once the stop has begun. */
  readonly serving: () => boolean;
  readonly accessLog: AccessLog;
  /** Start of the request ids that this process gives out. */
  readonly idPrefix: string;
  readonly clock: Clock;
  readonly deadline: Deadline;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  readonly log: Log;
}

/** Mounts the features in reading order, under one edge and one error rule. It does not listen yet. */
export function createApp(services: Services, options: AppOptions) {
  const { credentials, feed, feedOf, follower, fanOut, report, server } = services;
  const { clock, log, serving } = options;
  const known = (error: unknown, request: Request): Response | null => {
    if (error instanceof VaultFault) return problemResponse(vaultProblem(error), requestId(request));
    if (!(error instanceof TokenError)) return null;
    const problem = tokenProblem(error, clock.now());
    return problemResponse(isProxied(request) ? gatewayProblem(problem) : problem, requestId(request));
  };
  const failed = createErrorRule({ log, routes: () => root.routes, known });
  const addressOf = (received: Request): string => root.server?.requestIP(received)?.address ?? '';
  const access = createAccess({ ...options, addressOf });
  const metrics = createMetrics({ ...options, report, counts: services.counts });
  const edge = createEdge({
    ...options,
    urls: [],
    elapsed: clock.elapsed,
    observe: metrics.traffic(() => root.routes),
    failed,
    sourceOf: (request) => addressOf(request) || null,
    refused: access.refusal,
    streams: isProxied,
  });
  // One router, so that the edge stands before every route.
  const root: Elysia = new Elysia({
    name: 'crypto-client',
    encodeSchema: false,
    normalize: false,
    systemRouter: false,
  }).wrap(
    edge as unknown as Parameters<Elysia['wrap']>[0], // Elysia's type of a wrapper says nothing of handlers.
  );
  const state = (): DependencyState => {
    const { last, outage } = feed.state();
    return outage?.kind ?? (last === null ? 'away' : 'ok');
  };
  const dependency = { name: 'server', state, without: 'the last rates are served for a while' };
  const describe = () => describeApi(root, { ...ABOUT, ...access.described, version: VERSION });
  return root
    .onError(failed)
    .onStop(access.close)
    .use(dashboardRoutes())
    .use(sessionRoutes(access))
    .use(credentialRoutes({ credentials, clock, changed: follower.restart }))
    .use(ratesRoutes({ feedOf, clock }))
    .use(pastRoutes({ ...options, session: credentials.get }))
    .use(streamRoutes({ fanOut: fanOut, access }))
    .use(
      proxyRoutes({
        ...options,
        name: `crypto-client-${options.idPrefix}`,
        allowed: options.proxyTargets,
        isSelf: createIsSelf(options.host, () => root.server?.port ?? null),
        credential: credentials.get,
      }),
    )
    .use(
      statusRoutes({
        report,
        server,
        version: VERSION,
        routes: () => root.routes,
      }),
    )
    .use(healthRoutes({ service: 'crypto-client', serving, dependencies: [dependency] }))
    .use(metricsRoutes(metrics.registry, null, access.isAdmitted))
    .use(docsRoutes({ title: ABOUT.title, document: describe }));
}

const ABOUT = {
  title: 'crypto-client API',
  description: 'The machine client of crypto-server: it obtains and renews tokens by itself and passes the rates on.',
  tags: [
    { name: 'Rates', description: 'What the server protects.' },
    { name: 'Access', description: 'Who may use the client, where it has a password.' },
    { name: 'Account', description: 'Credentials and their tokens.' },
    { name: 'Status', description: 'What the client tells of itself.' },
    { name: 'Health', description: 'How the client is.' },
  ],
};
