import { Value } from '@sinclair/typebox/value';
import type { Static, TSchema } from 'elysia';
import { faultsIn } from './faults';
import { type FieldFault, type Problem, unprocessable } from './problem';

/** True for `application/json`. A web page can send any other type to anywhere without asking first. */
export function isJson(request: Request): boolean {
  return /^application\/json *(?:;|$)/i.test(request.headers.get('content-type') ?? '');
}

/** @throws Problem 422 unless the request says that its body is JSON. */
export function expectJson(request: Request): void {
  if (!isJson(request)) throw notJson();
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
