import { Elysia } from 'elysia';
import { grantsTold } from '../clients/changes';
import type { ClientManagement } from '../clients/management';
import { ClientView } from '../clients/model';
import { tellOfUpdate } from '../clients/secret-acts';
import type { ClientChange, NewClient } from '../clients/settings';
import type { Tell } from '../oauth/event';
import { type Access, done, reply } from './access';
import {
  ClientChangeBody as ChangeBody,
  type ClientChangeBody,
  ClientPage,
  ClientsQuery,
  CreatedClient,
  NewClientBody,
} from './client-model';
import { describeRoute } from './detail';
import { Done, PAGE_DEFAULT } from './model';
import { readClientId } from './path';

/** What the routes of clients need. */
export interface ClientRoutesOptions {
  readonly access: Access;
  readonly clients: Omit<ClientManagement, 'secrets' | 'registrationTokenFault'>;
  readonly tell: Tell;
}

const ONE = '/api/admin/clients/:client_id';

/** Clients: listed, made, shown, changed, disabled, enabled, and removed. */
export function clientRoutes(options: ClientRoutesOptions) {
  const { access, clients, tell } = options;
  const { admit: transform } = access;
  return new Elysia({ name: 'admin-clients' })
    .get(
      '/api/admin/clients',
      async ({ query: { search, state, cursor, limit } }) => {
        const { items, nextCursor } = await clients.list({
          search: search || null,
          state: state ?? null,
          cursor: cursor ?? null,
          limit: limit ?? PAGE_DEFAULT,
        });
        return reply({ items, next_cursor: nextCursor });
      },
      {
        transform,
        query: ClientsQuery,
        response: { 200: ClientPage },
        detail: describeRoute('listClients', 'List clients'),
      },
    )
    .post(
      '/api/admin/clients',
      async ({ body, request }) => {
        const { client, clientSecret, secret } = await clients.create(readNewClient(body));
        const actor = access.actorOf(request).name;
        const details = { grants: grantsTold(client.grants), auth_method: client.auth_method };
        const clientId = client.client_id;
        await tell({ event: 'client_registered', outcome: 'success', actor, clientId, details }, request);
        return reply({ client, client_secret: clientSecret, secret }, 201);
      },
      {
        parse: access.json,
        body: NewClientBody,
        response: { 201: CreatedClient },
        detail: describeRoute('createClient', 'Make a client', 'Its secret is made here and shown this once.'),
      },
    )
    .get(ONE, async ({ params }) => reply(await clients.show(readClientId(params.client_id))), {
      transform,
      response: { 200: ClientView },
      detail: describeRoute('showClient', 'Show a client'),
    })
    .patch(
      ONE,
      async ({ body, params, request }) => {
        const clientId = readClientId(params.client_id);
        const updated = await clients.update(clientId, readChange(body));
        await tellOfUpdate(tell, { clientId, actor: access.actorOf(request).name, request }, updated);
        return reply(updated.client);
      },
      {
        parse: access.json,
        body: ChangeBody,
        response: { 200: ClientView },
        detail: describeRoute('updateClient', 'Change a client', 'What is left out stays as it is.'),
      },
    )
    .use(standingRoutes(options));
}

/** What ends or renews a client's standing. */
function standingRoutes({ access, clients, tell }: ClientRoutesOptions) {
  const act = async (
    event: 'client_disabled' | 'client_enabled' | 'client_tokens_revoked',
    work: (clientId: string) => Promise<ClientView>,
    id: string,
    request: Request,
  ): Promise<Response> => {
    const clientId = readClientId(id);
    const client = await work(clientId);
    await tell({ event, outcome: 'success', actor: access.actorOf(request).name, clientId }, request);
    return reply(client);
  };
  const route = (operationId: string, summary: string) => ({
    transform: access.admit,
    response: { 200: ClientView },
    detail: describeRoute(operationId, summary),
  });
  return new Elysia({ name: 'admin-client-standing' })
    .post(
      `${ONE}/disable`,
      async ({ params, request }) =>
        act('client_disabled', (clientId) => clients.setActive(clientId, false), params.client_id, request),
      route('disableClient', 'Disable a client and end all its tokens'),
    )
    .post(
      `${ONE}/enable`,
      async ({ params, request }) =>
        act('client_enabled', (clientId) => clients.setActive(clientId, true), params.client_id, request),
      route('enableClient', 'Enable a client again'),
    )
    .post(
      `${ONE}/revoke-tokens`,
      async ({ params, request }) => act('client_tokens_revoked', clients.revokeAll, params.client_id, request),
      route('revokeClientTokens', 'End all tokens of a client'),
    )
    .delete(
      ONE,
      async ({ params, request }) => {
        const clientId = readClientId(params.client_id);
        await clients.remove(clientId);
        const actor = access.actorOf(request).name;
        await tell({ event: 'client_deleted', outcome: 'success', actor, clientId }, request);
        return done();
      },
      {
        transform: access.admit,
        response: { 204: Done },
        detail: describeRoute(
          'deleteClient',
          'Delete a client',
          'Its tokens are dead, and its id is never used again.',
        ),
      },
    );
}

function readNewClient(body: NewClientBody): NewClient {
  return {
    clientId: body.client_id ?? null,
    appName: body.app_name,
    authMethod: body.auth_method ?? 'client_secret_basic',
    jwks: body.jwks ?? null,
    jwksUri: body.jwks_uri ?? null,
    tlsSubject: body.tls_subject ?? null,
    grants: body.grants ?? null,
    dpopBound: body.dpop_bound ?? false,
    certificateBound: body.certificate_bound ?? false,
    limits: { api: body.limits?.api ?? null, token: body.limits?.token ?? null },
    metadata: {},
    secret: { label: body.secret?.label ?? '', expiresInSeconds: body.secret?.expires_in_seconds ?? null },
    manageable: false,
  };
}

function readChange(body: ClientChangeBody): ClientChange {
  const { app_name, auth_method, jwks, jwks_uri, tls_subject, grants, dpop_bound, certificate_bound, limits } = body;
  return {
    ...(app_name !== undefined && { appName: app_name }),
    ...(auth_method !== undefined && { authMethod: auth_method }),
    ...(jwks !== undefined && { jwks }),
    ...(jwks_uri !== undefined && { jwksUri: jwks_uri }),
    ...(tls_subject !== undefined && { tlsSubject: tls_subject }),
    ...(grants !== undefined && { grants }),
    ...(dpop_bound !== undefined && { dpopBound: dpop_bound }),
    ...(certificate_bound !== undefined && { certificateBound: certificate_bound }),
    ...(limits !== undefined && { limits: given(limits) }),
  };
}

/** The members that were given; the framework adds optional ones without a value. */
function given<Value>(members: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(members).filter((member): member is [string, Value] => member[1] !== undefined),
  );
}
