import { OptionalKind } from '@sinclair/typebox';
import { type AnyElysia, Elysia, type TSchema } from 'elysia';

/** What a document says of the whole API (OpenAPI 3.1 §4.8). */
export interface ApiDescription {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly securitySchemes: Readonly<Record<string, unknown>>;
  /** What every operation asks for, unless it says otherwise: one of these. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = Readonly<Record<string, unknown>>;

type Json = Record<string, unknown>;

/** A TypeBox schema where a document wants JSON Schema, which it is. */
export function jsonSchema(schema: TSchema): { type: 'object' } {
  return schema as unknown as { type: 'object' }; // The types of the two do not know of each other.
}

const PLUGIN_PATH = '/openapi';

/** The parts of a route that a document is made of. */
const DESCRIBED = ['detail', 'body', 'query', 'params', 'headers', 'response'];

/**
 * The OpenAPI 3.1 document of an application, made from its routes. The plugin runs in an application of its own, with
 * routes that only look like ours: the page it brings (which loads from elsewhere) is never served, and mounting the
 * running application a second time would take its port away from it. What the plugin writes is put in order.
 */
export async function describeApi(app: AnyElysia, about: ApiDescription): Promise<OpenApiDocument> {
  // Loaded when a document is asked for: it brings much along that no start of a server has a use for.
  const { swagger } = await import('@elysiajs/swagger');
  const plugin = swagger({ path: PLUGIN_PATH, specPath: `${PLUGIN_PATH}/json`, excludeStaticFile: false });
  const describing: AnyElysia = new Elysia().use(plugin);
  for (const { method, path, hooks } of app.routes) describing.route(method, path, () => '', describedPart(hooks));
  const answer = await describing.handle(new Request(`http://localhost${PLUGIN_PATH}/json`));
  const raw = (await answer.json()) as { paths: Record<string, Record<string, Json>> };
  const { title, version, description, tags, securitySchemes, security = [] } = about;
  return {
    openapi: '3.1.0',
    info: { title, version, description, license: { name: 'MIT', identifier: 'MIT' } },
    // Relative: a page opened under another of our names asks that same one.
    servers: [{ url: '/' }],
    tags,
    paths: Object.fromEntries(
      // Both spellings of a path are answered; its name is the one without a slash at the end.
      Object.entries(raw.paths).map(([path, operations]) => [
        path.replace(/(?<=.)\/$/, ''),
        mapValues(operations, (operation) => tidyOperation(operation, security)),
      ]),
    ),
    components: {
      ...(Object.keys(securitySchemes).length > 0 ? { securitySchemes } : {}),
      schemas: { Problem: PROBLEM },
    },
  };
}

function describedPart(hooks: Json): Json {
  const detail = { ...(hooks['detail'] as Json), [BODY_OPTIONAL]: isOptional(hooks['body']) };
  return { ...only(hooks, DESCRIBED), detail };
}

/** Tells `tidyOperation` what the plugin does not pass on. */
const BODY_OPTIONAL = 'x-body-optional';

function isOptional(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && OptionalKind in schema;
}

/** Error object of RFC 9457, with the request id that finds it in the log. */
const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'request_id'],
  properties: {
    type: { type: 'string', examples: ['about:blank'] },
    title: { type: 'string', examples: ['Unauthorized'] },
    status: { type: 'integer', examples: [401] },
    detail: { type: 'string', description: 'What happened, and what to do about it.' },
    request_id: { type: 'string', description: 'As in the `X-Request-Id` header.' },
    errors: {
      type: 'array',
      description: 'With 422: what is wrong where.',
      items: {
        type: 'object',
        required: ['path', 'detail'],
        properties: { path: { type: 'string', description: 'A JSON pointer (RFC 6901).' }, detail: { type: 'string' } },
      },
    },
  },
};

const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const OTHER = problemResponse('Any other outcome (RFC 9457)');

/** Any route may refuse; one that says nothing of its refusals has those that all have in common. */
const REFUSED = problemResponse('The request is refused (RFC 9457)');

function tidyOperation(operation: Json, usual: ApiDescription['security']): Json {
  const { requestBody, responses, security, parameters, [BODY_OPTIONAL]: optional, ...rest } = operation;
  const tidied = mapValues((responses ?? {}) as Record<string, Json>, tidyResponse);
  return {
    ...rest,
    ...(isList(parameters) && parameters.length > 0 ? { parameters: parameters.map(tidyParameter) } : {}),
    ...(requestBody === undefined
      ? {}
      : {
          requestBody: { ...(requestBody as Json), ...tidyContent(requestBody as Json), required: optional !== true },
        }),
    // Said for every operation: the absence of a requirement would leave it open.
    security: security ?? usual,
    responses: {
      ...tidied,
      ...(Object.keys(tidied).some((status) => status.startsWith('4')) ? {} : { '4XX': REFUSED }),
      default: OTHER,
    },
  };
}

function tidyResponse(response: Json, status: string): Json {
  const said = typeof response['description'] === 'string' && response['description'] !== '';
  return {
    ...response,
    ...tidyContent(response),
    description: said ? response['description'] : (MEANINGS[status] ?? 'The answer'),
  };
}

const MEANINGS: Readonly<Record<string, string>> = {
  200: 'Success',
  201: 'It was made',
  400: 'The request is wrong',
  401: 'Who asks is not known',
  503: 'Not now',
};

/** The plugin lists every body under three media types, of which JSON is meant; a route that has others says so itself. */
function tidyContent({ content }: Json): Json {
  if (content === undefined) return {};
  const { 'application/json': json, ...others } = content as Json;
  return { content: tidySchema('multipart/form-data' in others ? { 'application/json': json } : content) };
}

function tidyParameter(parameter: unknown): unknown {
  const { schema, examples, ...rest } = parameter as Json;
  // The plugin lifts what the schema has as a list to where a map is meant.
  const lifted = isList(examples) ? { examples } : {};
  return { ...rest, schema: tidySchema({ ...(schema as Json), ...lifted }) };
}

/** A schema as a document shows it: without what only the checker understands. */
export function tidySchema(schema: unknown): unknown {
  if (isList(schema)) return schema.map(tidySchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const number = numberOf(schema as Json);
  if (number !== null) return tidySchema(number);
  // A member of an object may have such a name too; what it holds is then a schema and no text.
  const said = Object.entries(schema).filter(
    ([name, value]) => !(/^(?:\$id|error)$/.test(name) && typeof value === 'string'),
  );
  return mapValues(Object.fromEntries(said), tidySchema);
}

/** The framework's numbers are also texts that it would convert; callers are told of the number alone. */
function numberOf({ anyOf, ...rest }: Json): Json | null {
  if (!isList(anyOf) || anyOf.length !== 2) return null;
  const [text, number] = anyOf as Json[];
  const isPair = text?.['type'] === 'string' && /^(?:integer|numeric)$/.test(String(text['format']));
  return isPair && /^(?:integer|number)$/.test(String(number?.['type'])) ? { ...rest, ...number } : null;
}

function only(holder: Json, names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(holder).filter(([name]) => names.includes(name)));
}

/** The record with each of its values changed. */
export function mapValues<V, W>(
  record: Readonly<Record<string, V>>,
  change: (value: V, name: string) => W,
): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
