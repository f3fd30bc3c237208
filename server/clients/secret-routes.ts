/** Rotation of secrets by the client itself or the administrator: `/api/clients/{client_id}/secrets`. */
import { Elysia } from 'elysia';
import { malformed } from '../../kit/http/faults';
import { checkBody, isJson, readJson } from '../../kit/http/json';
import { jsonSchema } from '../../kit/http/openapi';
import type { Tell } from '../oauth/event';
import type { Parameters } from '../oauth/form';
import type { Access } from './callers';
import { createSecretActs } from './secret-acts';
import type { SecretManagement } from './secret-management';
import { RotatedSecret, RotationBody, SecretList } from './secret-model';

/** What these routes stand on. */
export interface SecretRoutesOptions {
  readonly secrets: SecretManagement;
  readonly access: Pick<Access, 'manager'>;
  readonly tell: Tell;
}

const LIST = '/api/clients/:client_id/secrets';

/** Routes of the secrets of a client. */
export function secretRoutes({ secrets, access, tell }: SecretRoutesOptions) {
  const acts = createSecretActs({ secrets, tell });
  return new Elysia({ name: 'secrets' })
    .get(
      LIST,
      async ({ request, params: { client_id: clientId } }) => {
        const { headers } = await access.manager(request, clientId, NO_PARAMETERS);
        return reply({ items: await secrets.list(clientId) }, headers);
      },
      { response: { 200: SecretList }, detail: describe('listSecrets', 'List the secrets of a client') },
    )
    .post(
      LIST,
      async ({ request, params: { client_id: clientId } }) => {
        const { credentials, rotation } = await bodyOf(request);
        const { actor, headers } = await access.manager(request, clientId, credentials);
        return reply(await acts.rotate({ clientId, actor, request }, readRotation(rotation)), headers, 201);
      },
      {
        parse: 'none',
        response: { 201: RotatedSecret },
        detail: {
          ...describe('rotateSecret', 'Make a new secret and let the others end'),
          requestBody: { content: { 'application/json': { schema: jsonSchema(RotationBody) } } },
          description:
            'The new secret works at once; every other live one ends after the overlap at the latest. At most five are live at a time.',
        },
      },
    )
    .delete(
      `${LIST}/:secret_id`,
      async ({ request, params: { client_id: clientId, secret_id: secretId } }) => {
        const { actor, headers } = await access.manager(request, clientId, NO_PARAMETERS);
        await acts.revoke({ clientId, actor, request }, secretId);
        return new Response(null, { status: 204, headers });
      },
      {
        detail: {
          ...describe('revokeSecret', 'End a secret now'),
          responses: { 204: { description: 'It has ended' } },
          description: 'The last live secret of a client cannot be ended.',
        },
      },
    );
}

const NO_PARAMETERS: Parameters = new Map();

function reply(body: unknown, headers: Readonly<Record<string, string>>, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } });
}

function describe(operationId: string, summary: string) {
  const security = [{ registrationToken: [] }, { clientSecretBasic: [] }, { adminSecret: [] }];
  return { operationId, tags: ['Clients'], summary, security };
}

/** By what a client may authenticate in a body (RFC 6749 §2.3.1, RFC 7521 §4.2), beside what it asks for. */
const CREDENTIALS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];

/** A body in two: who asks, and what for. @throws Problem 422 when there is a body that is no JSON object. */
async function bodyOf(
  request: Request,
): Promise<{ credentials: Parameters; rotation: Readonly<Record<string, unknown>> }> {
  const text = await request.text();
  const body = text === '' ? {} : isJson(request) ? readJson(text) : undefined;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw malformed([{ path: '', detail: 'is not a JSON object' }]);
  const [credentials, rotation] = [new Map<string, [string]>(), new Map<string, unknown>()];
  for (const [name, value] of Object.entries(body)) {
    if (!CREDENTIALS.includes(name)) rotation.set(name, value);
    else if (typeof value === 'string' && value !== '') credentials.set(name, [value]);
  }
  return { credentials, rotation: Object.fromEntries(rotation) };
}

function readRotation(given: Readonly<Record<string, unknown>>): RotationBody {
  const checked = checkBody(RotationBody, given);
  if ('fault' in checked) throw malformed([checked.fault]);
  return checked.value;
}
