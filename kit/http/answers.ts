// What a document says of single answers, for the routes that describe theirs themselves.
import type { TSchema } from 'elysia';
import { jsonSchema } from './openapi';

/** Header name → what it says and what it looks like. */
export type DescribedHeaders = Readonly<Record<string, readonly [description: string, example: string]>>;

/** A good answer: its schema, and an example made of those that its members bring along. */
export function jsonAnswer(description: string, schema: TSchema, headers: DescribedHeaders = {}) {
  const body = { schema: jsonSchema(schema), example: exampleOf(schema) };
  return { description, headers: describeHeaders(headers), content: { 'application/json': body } };
}

/** An answer without a body. */
export function bareAnswer(description: string, headers: DescribedHeaders = {}) {
  return { description, headers: describeHeaders(headers) };
}

/** A refusal (RFC 9457) as its caller sees it. `members` come beside those that every problem has. */
export function refusal(
  description: string,
  problem: { readonly status: number; readonly title: string; readonly detail: string },
  headers: DescribedHeaders = {},
  members: object = {},
) {
  const example = { type: 'about:blank', ...problem, request_id: REQUEST_ID, ...members };
  const body = { schema: { $ref: '#/components/schemas/Problem' }, example };
  return { description, headers: describeHeaders(headers), content: { 'application/problem+json': body } };
}

const REQUEST_ID = '3f9c0a7d51e2-42';

function describeHeaders(headers: DescribedHeaders) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, [description, example]]) => [
      name,
      { description, schema: { type: 'string' as const }, example },
    ]),
  );
}

/** What a value of the schema looks like, by the first example of each part. */
function exampleOf(schema: TSchema): unknown {
  const { items, properties, examples } = schema as {
    items?: TSchema;
    properties?: Record<string, TSchema>;
    examples?: readonly unknown[];
  };
  if (items !== undefined) return [exampleOf(items)];
  if (properties === undefined) return examples?.[0];
  return Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, exampleOf(member)]));
}
