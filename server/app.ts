import { type AnyElysia, Elysia } from 'elysia';
import { isAway } from '../db/connect';
import { docsRoutes } from '../kit/http/docs';
import { createEdge } from '../kit/http/edge';
import { createErrorRule, type ErrorRule } from '../kit/http/errors';
import { type DependencyState, healthRoutes } from '../kit/http/health';
import { describeApi, type OpenApiDocument } from '../kit/http/openapi';
import { createSource } from '../kit/http/peer';
import { problemResponse } from '../kit/http/problem';
import { requestId } from '../kit/http/request-id';
import { registrationRoutes } from './clients/index';
import { consoleRoutes } from './console/index';
import { discoveryRoutes, resourceMetadataUrl } from './discovery/index';
import { OAuthError } from './oauth/errors';
import type { Tell } from './oauth/event';
import { errorReply } from './oauth/reply';
import { rateRoutes } from './rates/index';
import { createRateReads } from './rates/service';
import { ratesAudience, type Services, type Surroundings } from './services';
import { createTell } from './tell';
import { createGuard } from './tokens/guard';
import { tokenRoutes } from './tokens/index';
import { databaseAway } from './tokens/service';
import { VERSION } from './version';

/** The application with all its routes, as callers may know it. */
export type App = ReturnType<typeof createApp>;

/** Mounts the features in reading order, under one edge and one error rule. It does not listen yet. */
export function createApp(services: Services, given: Surroundings, serving: () => boolean) {
  const { issuer, log, now } = given;
  const scopes = ['currency:read'];
  const audience = ratesAudience(issuer);
  const addressOf = createSource(given.trusted);
  const tell = createTell({
    log,
    source: (request) => addressOf(root.server?.requestIP(request)?.address ?? '', request.headers),
    record: async () => {},
  });
  const guard = createGuard({
    keyring: services.keyring,
    clients: services.clients,
    issuer,
    audience,
    scope: 'currency:read',
    metadataUrl: resourceMetadataUrl(issuer),
    now,
    tell,
  });
  const failed = createErrorRule({ log, routes: () => root.routes, known: createKnownErrors(tell) });
  // One router, so that the edge stands before every route; a route's schemas of answers document it and are not run.
  const root = new Elysia({
    name: 'crypto-server',
    precompile: true,
    encodeSchema: false,
    normalize: false,
    systemRouter: false,
  }).wrap(edgeOf(given, failed));
  // Elysia adds to the instance it is called on: `root` is the whole application once all is mounted.
  return root
    .onError(failed)
    .use(registrationRoutes({ ...given, clients: services.clients, mode: given.registration, tell }))
    .use(tokenRoutes(services.tokens))
    .use(discoveryRoutes({ issuer, resource: audience, scopes, jwks: services.keyring.jwks }))
    .use(rateRoutes({ reads: createRateReads(services.feed), guard }))
    .use(healthRoutes({ service: 'crypto-server', serving, dependency: databaseOf(services) }))
    .use(consoleRoutes())
    .use(docsRoutes({ title: API_TITLE, document: () => describeServer(root, issuer) }));
}

function edgeOf(given: Surroundings, failed: ErrorRule) {
  const { loopback, issuer, publicUrls, log, accessLog, now, randomBytes } = given;
  const idPrefix = randomBytes(6).toString('hex');
  const edge = createEdge({ loopback, urls: [issuer, ...publicUrls], log, accessLog, now, idPrefix, failed });
  return edge as unknown as Parameters<Elysia['wrap']>[0]; // Elysia's type of a wrapper says nothing of handlers.
}

/** The errors of this application that are no problems of their own making. */
function createKnownErrors(tell: Tell) {
  return (error: unknown, request: Request): Response | null => {
    if (error instanceof OAuthError) {
      const event = error.code === 'invalid_client' ? 'client_authentication' : 'oauth_request';
      const { reason, clientId, details } = error;
      void tell({ event, outcome: 'failure', reason, clientId, details }, request);
      return errorReply(error);
    }
    return isAway(error) ? problemResponse(databaseAway(), requestId(request)) : null;
  };
}

function databaseOf({ databaseReachable }: Services) {
  const state = (): DependencyState => (databaseReachable() ? 'ok' : 'away');
  return { name: 'database', state, without: 'rates are served from memory, tokens are not issued' };
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
      { name: 'Rates', description: 'The protected resource.' },
      { name: 'Discovery', description: 'What a client can find out by itself.' },
      { name: 'Health', description: 'How the server is.' },
    ],
    securitySchemes: {
      adminSecret: { type: 'apiKey', in: 'header', name: 'X-Admin-Secret', description: "The administrator's secret." },
      clientSecretBasic: { type: 'http', scheme: 'basic', description: 'Client id and secret (RFC 6749 §2.3.1).' },
      accessToken: {
        type: 'oauth2',
        flows: {
          clientCredentials: { tokenUrl: `${issuer}/api/auth/token`, scopes: { 'currency:read': 'Read the rates.' } },
        },
      },
    },
  });
}
