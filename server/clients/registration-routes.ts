/** Dynamic registration and its management: `/api/clients` (RFC 7591, RFC 7592). */
import { Elysia } from 'elysia';
import { isJson, readJson } from '../../kit/http/json';
import { jsonSchema } from '../../kit/http/openapi';
import type { Take } from '../../kit/limit';
import { invalidMetadata, invalidRequest } from '../oauth/errors';
import type { Tell } from '../oauth/event';
import { type Access, registeredEvent } from './callers';
import type { ClientManagement } from './management';
import { asMetadata, heldScopes, informationOf, newClientOf, readMetadata, secretsExpireAt } from './metadata';
import type { ClientView } from './model';
import { ClientInformation, ClientMetadata } from './registration-model';
import { tellOfUpdate } from './secret-acts';

/** What these routes stand on. */
export interface DynamicRegistrationOptions {
  readonly clients: Pick<ClientManagement, 'create' | 'show' | 'replace' | 'remove'>;
  readonly access: Access;
  readonly issuer: string;
  /** One registration from the caller's address, the administrator's not counted. @returns headers of the answer. @throws Problem 429 */
  readonly take: Take<Request>;
  readonly tell: Tell;
}

/** A registration has secrets in it. */
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' };

const ITEM = '/api/clients/:client_id';

const REQUEST_BODY = { content: { 'application/json': { schema: jsonSchema(ClientMetadata) } } };

/** Routes of dynamic registration. */
export function dynamicRegistrationRoutes(options: DynamicRegistrationOptions) {
  const { clients, access, issuer, take, tell } = options;
  const reply = (client: ClientView, told: Told): Response => informationReply(issuer, client, told);
  return new Elysia({ name: 'dynamic-registration' })
    .post(
      '/api/clients',
      async ({ request }) => {
        const registrar = await access.registrar(request);
        const headers = registrar.headers ?? (await take(request));
        const settings = readMetadata(await bodyOf(request));
        const { client, clientSecret, registrationToken } = await access.registering(request, () =>
          asMetadata(() => clients.create(newClientOf(settings), registrar.token)),
        );
        await tell(registeredEvent(registrar, client.client_id, client.auth_method), request);
        return reply(client, { token: registrationToken, clientSecret, status: 201, headers });
      },
      {
        parse: 'none',
        response: { 201: ClientInformation },
        detail: {
          ...describe('registerClient', 'Register a client and get its id', REGISTERING),
          requestBody: REQUEST_BODY,
          description:
            'RFC 7591. Open, reserved to the administrator and to holders of an initial access token, or closed, as `REGISTRATION` says.',
        },
      },
    )
    .get(
      ITEM,
      async ({ request, params }) => {
        const own = await access.registered(request, params.client_id);
        return reply(await clients.show(params.client_id), own);
      },
      { response: { 200: ClientInformation }, detail: describe('readClient', 'Read the registration', MANAGING) },
    )
    .put(
      ITEM,
      async ({ request, params: { client_id: clientId } }) => {
        const own = await access.registered(request, clientId);
        const body = await bodyOf(request);
        const settings = readMetadata(body, heldScopes(await clients.show(clientId), issuer));
        const updated = await asMetadata(() => clients.replace(clientId, settings, secretNamedIn(body, clientId)));
        await tellOfUpdate(tell, { clientId, actor: clientId, request }, updated);
        return reply(updated.client, { ...own, clientSecret: updated.made?.clientSecret ?? null });
      },
      {
        parse: 'none',
        response: { 200: ClientInformation },
        detail: {
          ...describe('replaceClient', 'Replace the registration', MANAGING),
          requestBody: REQUEST_BODY,
          description:
            'RFC 7592 §2.2: what is left out gets its default, except that bound tokens stay bound. The body names the `client_id`.',
        },
      },
    )
    .delete(
      ITEM,
      async ({ request, params: { client_id: clientId } }) => {
        const { headers } = await access.registered(request, clientId);
        await clients.remove(clientId);
        await tell({ event: 'client_deleted', outcome: 'success', actor: clientId, clientId }, request);
        return new Response(null, { status: 204, headers });
      },
      {
        detail: {
          ...describe('unregisterClient', 'Remove the client, its secrets and its tokens', MANAGING),
          responses: { 204: { description: 'It is gone' } },
        },
      },
    );
}

/** What an answer says beside what the client is. */
interface Told {
  /** The registration access token, which the caller knows or is shown now. */
  readonly token: string | null;
  /** A secret that was made just now. */
  readonly clientSecret?: string | null;
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Client information (RFC 7591 §3.2.1). */
function informationReply(
  issuer: string,
  client: ClientView,
  { token, clientSecret = null, status = 200, headers }: Told,
): Response {
  const expiresAt = secretsExpireAt(client);
  const body = {
    ...informationOf(client, issuer),
    ...(clientSecret === null ? {} : { client_secret: clientSecret }),
    ...(expiresAt === null ? {} : { client_secret_expires_at: expiresAt }),
    registration_access_token: token,
    registration_client_uri: `${issuer}/api/clients/${client.client_id}`,
  };
  return new Response(JSON.stringify(body), { status, headers: { ...HEADERS, ...headers } });
}

const REGISTERING = [{ adminSecret: [] }, { registrationToken: [] }, {}];
const MANAGING = [{ registrationToken: [] }];

function describe(operationId: string, summary: string, security: Record<string, string[]>[]) {
  return { operationId, tags: ['Clients'], summary, security };
}

/** What only the server decides, which a client must not send (RFC 7592 §2.2). */
const SERVER_MEMBERS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** The secret that a replacement names as the client's own, which it may leave out; null: it did. @throws OAuthError invalid_client_metadata for what a replacement must not say (RFC 7592 §2.2). */
function secretNamedIn(body: unknown, clientId: string): string | null {
  const named = body as Readonly<Record<string, unknown>>;
  if (named['client_id'] !== clientId) throw invalidMetadata('client_id must be that of the client');
  const decided = SERVER_MEMBERS.find((name) => name in named);
  if (decided !== undefined) throw invalidMetadata(`${decided} must not be sent`);
  const { client_secret: secret = null } = named;
  if (secret !== null && typeof secret !== 'string') throw invalidMetadata('client_secret must be a text');
  return secret;
}

/** @throws OAuthError invalid_request. */
async function bodyOf(request: Request): Promise<unknown> {
  if (!isJson(request)) throw invalidRequest('body_not_json');
  const body = readJson(await request.text());
  if (body === undefined) throw invalidRequest('json_broken');
  return body;
}
