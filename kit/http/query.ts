import type { Static, TObject, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { faultsIn, malformed } from './faults';
import { jsonSchema } from './openapi';

/**
 * What the query of a URL says, by its schema: digits where a whole number is meant are one, what is empty counts as left
 * out, and parameters that nobody knows are ignored. @throws Problem 422.
 */
export function readQuery<S extends TObject>(schema: S, url: string): Static<S> {
  const at = url.indexOf('?');
  const given = new URLSearchParams(at < 0 ? '' : url.slice(at));
  const values: Record<string, unknown> = {};
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const [text, ...more] = given.getAll(name);
    if (more.length > 0) throw malformed([{ path: `/${name}`, detail: 'is given more than once' }], WHOLE);
    if (text) values[name] = property['type'] === 'integer' && /^\d{1,15}$/.test(text) ? Number(text) : text;
  }
  if (Value.Check(schema, values)) return values;
  throw malformed(faultsIn(Value.Errors(schema, values)), WHOLE);
}

const WHOLE = 'The query';

/** What a document says of the parameters of a query (OpenAPI 3.1 §4.8.12). */
export function describeQuery(schema: TObject) {
  return Object.entries<TSchema>(schema.properties).map(([name, { description = '', examples, ...rest }]) => ({
    name,
    in: 'query' as const,
    required: schema.required?.includes(name) ?? false,
    description,
    schema: jsonSchema(rest as TSchema),
    ...(Array.isArray(examples) ? { example: examples[0] as unknown } : {}),
  }));
}
