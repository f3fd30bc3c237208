import { type AnyElysia, Elysia } from 'elysia';
import { isAway } from '../db/faults';
import { docsRoutes } from '../kit/http/docs';
import { createEdge } from '../kit/http/edge';
import { createErrorRule, type ErrorRule } from '../kit/http/errors';
import { type Dependency, healthRoutes } from '../kit/http/health';
import { metricsRoutes } from '../kit/http/metrics';
import { describeApi, type OpenApiDocument } from '../kit/http/openapi';
import { problemResponse } from '../kit/http/problem';
import { requestId } from '../kit/http/request-id';
import type { Observe } from '../kit/metrics/traffic';
import { type AdminOptions, adminRoutes } from './admin/index';
import { type ClientRoutesOptions, clientRoutes } from './clients/index';
import { consoleRoutes } from './console/index';
import { type DiscoveryOptions, discoveryRoutes, resourceMetadataUrl } from './discovery/index';
import { LimitExceeded, within } from './limits/refusal';
import { offeredMethods } from './oauth/client';
import { OAuthError } from './oauth/errors';
import type { Tell } from './oauth/event';
import type { Parameters as RequestParameters } from './oauth/form';
import { SIGNATURE_ALGORITHMS } from './oauth/jwk';
import { errorReply } from './oauth/reply';
import { RATES_RESOURCE, RATES_SCOPE, resourceUri } from './oauth/resource';
import { historyRoutes } from './rates/history-routes';
import { rateRoutes } from './rates/index';
import { createRateReads } from './rates/service';
import type { Source } from './rates/source';
import { streamRoutes } from './rates/stream/index';
import { SOCKET_LIMITS } from './rates/stream/websocket';
import type { Redis } from './redis/index';
import { createGuard } from './tokens/guard';
import { tokenRoutes } from './tokens/index';
import { createLeases } from './tokens/lease';
import { VERSION } from './version';
import type { Callers } from './wiring/callers';
import { databaseAway } from './wiring/reachability';
import type { Services } from './wiring/services';
import type { Surroundings } from './wiring/surroundings';

/** The application with all its routes, as callers may know it. */
export type App = ReturnType<typeof createApp>;

/** Mounts the features in reading order, under one edge and one error rule. It does not listen yet. */
export function createApp(services: Services, given: Surroundings, serving: () => boolean) {
  const { issuer, log } = given;
  const { callers, tell, tokens, feed } = services;
  const resource = { tokens: services.accessTokens, audience: resourceUri(issuer, RATES_RESOURCE), scope: RATES_SCOPE };
  const guard = createGuard({
    ...resource,
    proofs: services.proofs,
    metadataUrl: resourceMetadataUrl(issuer),
    certificate: callers.thumbprint,
    take: services.takeApi,
    tell,
  });
  const failed = createErrorRule({ log, routes: () => root.routes, known: createKnownErrors(tell) });
  // One router, so that the edge stands before every route; a route's schemas of answers document it and are not run. A route is
  // compiled at its first request: all of them at once would be a third of the start.
  const root = new Elysia({
    name: 'crypto-server',
    encodeSchema: false,
    normalize: false,
    systemRouter: false,
    websocket: SOCKET_LIMITS,
  }).wrap(
    edgeOf(
      given,
      failed,
      services.metrics.traffic(() => root.routes, given.spans?.answered ?? null),
      callers.seen,
    ),
  );
  callers.attach(() => root.server);
  // Elysia adds to the instance it is called on: `root` is the whole application once all is mounted.
  return root
    .onError(failed)
    .use(clientRoutes(clientsOf(services, given)))
    .use(
      tokenRoutes({
        issuer,
        tokens,
        certificate: callers.certificate,
        address: callers.source,
        administratorOf: services.administration.authorization.administratorOf,
        tell,
      }),
    )
    .use(discoveryRoutes(discoveryOf(services, given)))
    .use(rateRoutes({ reads: createRateReads(feed), guard }))
    .use(historyRoutes({ history: services.history, guard, log }))
    .use(
      streamRoutes({
        hub: services.streams,
        feed,
        guard,
        leases: createLeases({ ...resource, tell }),
        elapsed: given.elapsed,
        version: VERSION,
        issuer,
      }),
    )
    .use(adminRoutes(adminOf(services, given)))
    .use(healthRoutes({ service: 'crypto-server', serving, dependencies: dependenciesOf(services) }))
    .use(metricsRoutes(pageOf(services, given), given.metricsToken))
    .use(consoleRoutes())
    .use(docsRoutes({ title: API_TITLE, document: () => describeServer(root, issuer) }));
}

/** What is told of this process, and of all where several share the port. */
function pageOf({ metrics: { registry } }: Services, { seat }: Surroundings) {
  return seat === null ? registry : seat.page(registry);
}

/** Who registers and manages clients, and how often. */
function clientsOf(services: Services, given: Surroundings): ClientRoutesOptions {
  const { clients, registrationTokens, limits, callers, tell } = services;
  return {
    clients,
    registrationTokens,
    issuer: given.issuer,
    mode: given.registration,
    administratorOf: services.administration.authorization.administratorOf,
    authenticateClient: createAuthenticate(services),
    failed: limits.failed,
    addressOf: callers.source,
    take: services.takeApi,
    takeRegistration: (request) => within(limits.take('register', callers.source(request))),
    tell,
  };
}

function adminOf(services: Services, { issuer, log, now, behindProxy, mtlsAuthorities }: Surroundings): AdminOptions {
  const authMethods = offeredMethods({ certificates: behindProxy, authorities: mtlsAuthorities !== null });
  return { ...services.administration, services, issuer, version: VERSION, authMethods, log, now, tell: services.tell };
}

/** What strangers are told; no more than what is so. */
function discoveryOf(services: Services, given: Surroundings): DiscoveryOptions {
  const { issuer } = given;
  return {
    issuer,
    resource: resourceUri(issuer, RATES_RESOURCE),
    scopes: [RATES_SCOPE],
    registration: given.registration !== 'closed',
    certificates: given.behindProxy,
    authorities: given.mtlsAuthorities !== null,
    proofAlgorithms: SIGNATURE_ALGORITHMS,
    assertionAlgorithms: SIGNATURE_ALGORITHMS,
    jwks: services.keyring.jwks,
  };
}

/** The id of the client that authenticates with a request. @throws OAuthError invalid_client, invalid_request. */
function createAuthenticate({ authentication, callers }: Services) {
  return async (request: Request, parameters: RequestParameters): Promise<string> => {
    const { client } = await authentication.authenticate({
      authorization: request.headers.get('authorization'),
      parameters,
      certificate: () => callers.certificate(request),
      address: () => callers.source(request),
    });
    return client.clientId;
  };
}

function edgeOf(given: Surroundings, failed: ErrorRule, observe: Observe, sourceOf: Callers['seen']) {
  const { issuer, publicUrls, randomBytes } = given;
  const idPrefix = randomBytes(6).toString('hex');
  const edge = createEdge({ ...given, urls: [issuer, ...publicUrls], idPrefix, failed, observe, sourceOf });
  return edge as unknown as Parameters<Elysia['wrap']>[0]; // Elysia's type of a wrapper says nothing of handlers.
}

/** The errors of this application that are no problems of their own making. */
function createKnownErrors(tell: Tell) {
  return (error: unknown, request: Request): Response | null => {
    if (error instanceof OAuthError) {
      const event = error.code === 'invalid_client' ? 'client_authentication' : 'oauth_request';
      const { reason, clientId, details, routine } = error;
      void tell({ event, outcome: 'failure', reason, clientId, details, routine }, request);
      return errorReply(error);
    }
    if (error instanceof LimitExceeded) {
      const { policy, clientId } = error;
      void tell({ event: 'limit_exceeded', outcome: 'failure', reason: policy, clientId }, request);
      return problemResponse(error, requestId(request));
    }
    return isAway(error) ? problemResponse(databaseAway(), requestId(request)) : null;
  };
}

function dependenciesOf({ databaseState, keyring, redis, source }: Services): Dependency[] {
  return [
    { name: 'database', state: databaseState, without: 'rates are served from memory, tokens are not issued' },
    { name: 'signing_keys', state: keyring.state, without: 'tokens are verified, and issued while an older key signs' },
    ...(redis === null ? [] : [redisOf(redis)]),
    ...(source.state() === null ? [] : [marketOf(source)]),
  ];
}

/** The memory that replicas share. */
function redisOf({ up }: Pick<Redis, 'up'>): Dependency {
  return {
    name: 'redis',
    state: () => (up() ? 'ok' : 'away'),
    without: 'each server limits by itself, and used DPoP proofs are rows of the database',
  };
}

/** The exchange that prices come from. */
function marketOf(source: Pick<Source, 'state'>): Dependency {
  return {
    name: 'market',
    state: () => source.state()?.standing ?? 'ok',
    without: 'rates and their times stand still',
    ageSeconds: () => source.state()?.ageSeconds ?? null,
  };
}

const API_TITLE = 'crypto-server API';

/** The OpenAPI document of the application. */
export function describeServer(app: AnyElysia, issuer: string): Promise<OpenApiDocument> {
  return describeApi(app, {
    title: API_TITLE,
    version: VERSION,
    description: 'OAuth 2.0 for machines (client credentials) and a live crypto-rates API that it protects.',
    tags: [
      { name: 'OAuth 2.0', description: 'Registration and tokens.' },
      { name: 'Clients', description: 'Dynamic registration and secrets of clients.' },
      { name: 'Rates', description: 'The protected resource.' },
      { name: 'Administration', description: 'For the administrator.' },
      { name: 'Discovery', description: 'What a client can find out by itself.' },
      { name: 'Health', description: 'How the server is.' },
    ],
    securitySchemes: {
      adminSecret: { type: 'apiKey', in: 'header', name: 'X-Admin-Secret', description: "The administrator's secret." },
      consoleSession: {
        type: 'apiKey',
        in: 'cookie',
        name: 'crypto-server-session',
        description: 'A session of the console.',
      },
      csrfToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token', description: 'The csrf_token of the session.' },
      registrationToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'An initial access token (RFC 7591), or the registration access token of a client (RFC 7592).',
      },
      clientSecretBasic: { type: 'http', scheme: 'basic', description: 'Client id and secret (RFC 6749 §2.3.1).' },
      accessToken: {
        type: 'oauth2',
        flows: {
          clientCredentials: {
            tokenUrl: `${issuer}/api/auth/token`,
            scopes: { [RATES_SCOPE]: 'Read the rates.', admin: 'Administrate this server.' },
          },
        },
      },
    },
  });
}
