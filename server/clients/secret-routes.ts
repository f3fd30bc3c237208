/** Rotation of secrets by the client itself or the administrator: `/api/clients/{client_id}/secrets`. */
import { Elysia } from 'elysia';
import { jsonSchema } from '../../kit/http/openapi';
import { Problem } from '../../kit/http/problem';
import type { Tell } from '../oauth/event';
import type { Parameters } from '../oauth/form';
import { checkBody, isJson, readJson } from './body';
import type { Access } from './callers';
import { RotatedSecret, SecretList } from './model';
import { RotationBody } from './registration-model';
import type { Rotation, SecretManagement } from './secret-management';

/** What these routes stand on. */
export interface SecretRoutesOptions {
  readonly secrets: SecretManagement;
  readonly access: Pick<Access, 'manager'>;
  readonly tell: Tell;
}

/** A day: every machine of a fleet has been deployed or has read its configuration again by then. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

const LIST = '/api/clients/:client_id/secrets';

/** Routes of the secrets of a client. */
export function secretRoutes({ secrets, access, tell }: SecretRoutesOptions) {
  return new Elysia({ name: 'secrets' })
    .get(
      LIST,
      async ({ request, params: { client_id: clientId } }) => {
        await access.manager(request, clientId, NO_PARAMETERS);
        return Response.json({ items: await secrets.list(clientId) }, NO_STORE);
      },
      { response: { 200: SecretList }, detail: describe('listSecrets', 'List the secrets of a client') },
    )
    .post(
      LIST,
      async ({ request, params: { client_id: clientId } }) => {
        const body = await bodyOf(request);
        const actor = await access.manager(request, clientId, parametersOf(body));
        const rotation = readRotation(body);
        const { clientSecret, secret } = await secrets.rotate(clientId, rotation);
        const details = { secret_id: secret.id, overlap_seconds: rotation.overlapSeconds };
        await tell({ event: 'secret_created', outcome: 'success', actor, clientId, details }, request);
        const answer = {
          client_id: clientId,
          client_secret: clientSecret,
          client_secret_expires_at: endOf(secret),
          secret,
        };
        return Response.json(answer, { ...NO_STORE, status: 201 });
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
        const actor = await access.manager(request, clientId, NO_PARAMETERS);
        await secrets.revoke(clientId, readSecretId(secretId));
        const details = { secret_id: Number(secretId) };
        await tell({ event: 'secret_revoked', outcome: 'success', actor, clientId, details }, request);
        return new Response(null, { status: 204 });
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

const NO_STORE = { headers: { 'cache-control': 'no-store' } };

function describe(operationId: string, summary: string) {
  const security = [{ registrationToken: [] }, { clientSecretBasic: [] }, { adminSecret: [] }];
  return { operationId, tags: ['Clients'], summary, security };
}

/** @throws Problem 422 when there is a body that is no JSON object. */
async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const text = await request.text();
  if (text === '') return {};
  const body = isJson(request) ? readJson(text) : undefined;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw malformed('', 'is not a JSON object');
  return { ...body };
}

/** What a client may authenticate by in a body (RFC 6749 §2.3.1, RFC 7521 §4.2). */
function parametersOf(body: Readonly<Record<string, unknown>>): Parameters {
  const names = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
  return new Map(
    names.flatMap((name) => {
      const value = body[name];
      return typeof value === 'string' && value !== '' ? [[name, [value]] as const] : [];
    }),
  );
}

function readRotation(body: Readonly<Record<string, unknown>>): Rotation {
  const checked = checkBody(RotationBody, body);
  if ('fault' in checked) throw malformed(checked.fault.path, checked.fault.detail);
  const { label = '', expires_in_seconds = null, overlap_seconds = DEFAULT_OVERLAP_SECONDS } = checked.value;
  return { label, expiresInSeconds: expires_in_seconds, overlapSeconds: overlap_seconds };
}

/** @throws Problem 404 for what is no number of a secret. */
function readSecretId(text: string): number {
  // Larger numbers do not fit into the column.
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Problem(404, 'Not Found', 'This client has no such secret.');
}

function endOf({ expires_at }: { readonly expires_at: string | null }): number {
  return expires_at === null ? 0 : Math.floor(Date.parse(expires_at) / 1000);
}

function malformed(path: string, detail: string): Problem {
  const said = `${path.slice(1) || 'The body'} ${detail}`;
  return new Problem(422, 'Unprocessable Content', said, {}, { errors: [{ path, detail }] });
}
