import { Value } from '@sinclair/typebox/value';
import type { Static, TSchema } from 'elysia';
import { faultsIn, malformed } from './faults';
import { type FieldFault, type Problem, unprocessable } from './problem';

/** True for `application/json`. A web page can send any other type to anywhere without asking first. */
export function isJson(request: Request): boolean {
  return /^application\/json *(?:;|$)/i.test(request.headers.get('content-type') ?? '');
}

/**
 * The body of a request, for `parse` of a route: a JSON object. The framework lets a body of another kind pass where all
 * members are optional. @throws Problem 422.
 */
export async function readJsonObject(request: Request): Promise<object> {
  const value = isJson(request) ? readJson(await request.text()) : undefined;
  if (value === undefined) throw notJson();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed([{ path: '', detail: 'must be a JSON object' }]);
  return value;
}

/** 422 for a body that is no JSON, or does not say so. */
export function notJson(): Problem {
  return unprocessable('The body is not JSON; send application/json.', []);
}

/** Text → what it means as JSON; undefined when it is none. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value that follows the schema, or the first thing that is wrong with it. */
export function checkBody<S extends TSchema>(schema: S, value: unknown): { value: Static<S> } | { fault: FieldFault } {
  if (Value.Check(schema, value)) return { value };
  const [fault = { path: '', detail: 'is not valid' }] = faultsIn(Value.Errors(schema, value));
  return { fault };
}
