import { createHash, timingSafeEqual } from 'node:crypto';
import { type AnyElysia, Elysia } from 'elysia';
import { isAway } from '../db/connect';
import { docsRoutes } from '../kit/http/docs';
import { createEdge } from '../kit/http/edge';
import { createErrorRule, type ErrorRule } from '../kit/http/errors';
import { type DependencyState, healthRoutes } from '../kit/http/health';
import { describeApi, type OpenApiDocument } from '../kit/http/openapi';
import { problemResponse } from '../kit/http/problem';
import { requestId } from '../kit/http/request-id';
import { createAccess } from './clients/access';
import { registrationRoutes } from './clients/index';
import { dynamicRegistrationRoutes } from './clients/registration-routes';
import { secretRoutes } from './clients/secret-routes';
import { discoveryRoutes, resourceMetadataUrl } from './discovery/index';
import { parseCredentials } from './oauth/credentials';
import { OAuthError } from './oauth/errors';
import type { Tell } from './oauth/event';
import type { Parameters as RequestParameters } from './oauth/form';
import { errorReply } from './oauth/reply';
import { rateRoutes } from './rates/index';
import { createRateReads } from './rates/service';
import { ratesAudience, type Services, type Surroundings } from './services';
import { createGuard } from './tokens/guard';
import { tokenRoutes } from './tokens/index';
import { databaseAway } from './tokens/service';
import { VERSION } from './version';

/** The application with all its routes, as callers may know it. */
export type App = ReturnType<typeof createApp>;

/** Mounts the features in reading order, under one edge and one error rule. It does not listen yet. */
export function createApp(services: Services, given: Surroundings, serving: () => boolean) {
  const { issuer, log, now } = given;
  const { callers, tell } = services;
  const scopes = ['currency:read'];
  const audience = ratesAudience(issuer);
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
  const authorizeAdmin = createAdminSecretCheck(given.adminSecret);
  const access = createAccess({
    mode: given.registration,
    clients: services.clients,
    registrationTokens: services.registrationTokens,
    authorizeAdmin,
    authenticateClient: (request, parameters) => authenticateBySecret(services, request, parameters),
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
  callers.attach(() => root.server);
  // Elysia adds to the instance it is called on: `root` is the whole application once all is mounted.
  return root
    .onError(failed)
    .use(registrationRoutes({ clients: services.clients, mode: given.registration, authorizeAdmin, tell }))
    .use(dynamicRegistrationRoutes({ clients: services.clients, access, issuer, tell }))
    .use(secretRoutes({ secrets: services.clients.secrets, access, tell }))
    .use(tokenRoutes(services.tokens))
    .use(
      discoveryRoutes({
        issuer,
        resource: audience,
        scopes,
        registration: given.registration !== 'closed',
        certificates: given.behindProxy,
        authorities: given.mtlsAuthorities !== null,
        proofAlgorithms: SIGNATURES,
        assertionAlgorithms: SIGNATURES,
        jwks: services.keyring.jwks,
      }),
    )
    .use(rateRoutes({ reads: createRateReads(services.feed), guard }))
    .use(healthRoutes({ service: 'crypto-server', serving, dependency: databaseOf(services) }))
    .use(docsRoutes({ title: API_TITLE, document: () => describeServer(root, issuer) }));
}

/** The id of the client that authenticates by its secret. @throws OAuthError invalid_client, invalid_request. */
async function authenticateBySecret(
  services: Services,
  request: Request,
  parameters: RequestParameters,
): Promise<string> {
  const credentials = parseCredentials(request.headers.get('authorization'), parameters);
  return (await services.clients.authenticate(credentials)).clientId;
}

/** The administrator by the `X-Admin-Secret` header, compared in constant time; digests make the lengths equal. */
function createAdminSecretCheck(adminSecret: string) {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(adminSecret);
  return async (request: Request): Promise<string | null> => {
    const given = request.headers.get('x-admin-secret');
    return given !== null && timingSafeEqual(digest(given), expected) ? 'admin' : null;
  };
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

/** Algorithms that are taken in signatures of clients (RFC 7518 §3.1, RFC 8037, RFC 9864). */
const SIGNATURES = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

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
      { name: 'Discovery', description: 'What a client can find out by itself.' },
      { name: 'Health', description: 'How the server is.' },
    ],
    securitySchemes: {
      adminSecret: { type: 'apiKey', in: 'header', name: 'X-Admin-Secret', description: "The administrator's secret." },
      registrationToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'An initial access token (RFC 7591), or the registration access token of a client (RFC 7592).',
      },
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
