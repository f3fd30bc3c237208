import { ValueErrorType } from '@sinclair/typebox/errors';
import { Value } from '@sinclair/typebox/value';
import type { Static, TSchema } from 'elysia';

/** True for `application/json`. A web page can send any other type to anywhere without asking first. */
export function isJson(request: Request): boolean {
  return /^application\/json *(?:;|$)/i.test(request.headers.get('content-type') ?? '');
}

/** Text → what it means as JSON; undefined when it is none. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Something that is not as its schema says: where, and what is expected; never what was given. */
export interface BodyFault {
  readonly path: string;
  readonly detail: string;
}

/** A value that follows the schema, or the first thing that is wrong with it. */
export function checkBody<S extends TSchema>(schema: S, value: unknown): { value: Static<S> } | { fault: BodyFault } {
  if (Value.Check(schema, value)) return { value };
  const error = Value.Errors(schema, value).First();
  const said = error?.schema['error'];
  // The name of an unexpected member was given too.
  const path = error?.type === ValueErrorType.ObjectAdditionalProperties ? '' : (error?.path ?? '');
  return { fault: { path, detail: typeof said === 'string' ? said : (error?.message ?? 'is not valid') } };
}
