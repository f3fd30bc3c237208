import { ValueErrorType } from '@sinclair/typebox/errors';
import type { Log } from '../logs';
import { Problem, problemResponse } from './problem';
import { receivedOf } from './received';
import { requestId } from './request-id';

/** A route as the application lists it. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** What the error rule needs. */
export interface ErrorRuleOptions {
  readonly log: Log;
  /** Asked once, at the first 404: all routes of the application. */
  readonly routes: () => readonly Route[];
  /** The application's own errors: an answer, or null when the error is not known to it. A {@link Problem} may be left to this rule. */
  readonly known: (error: unknown, request: Request) => Response | null;
}

/** What Elysia's `onError` hands over. */
export interface Failure {
  readonly code: unknown;
  readonly error: unknown;
  readonly request: Request;
}

/** Turns what went wrong into the answer. */
export type ErrorRule = (failure: Failure) => Response;

/**
 * The one place where an error becomes an answer. Only a {@link Problem}, an error the application knows, and what the
 * framework says of the request itself become 4xx; everything else is logged and answered by a plain 500.
 */
export function createErrorRule(options: ErrorRuleOptions): ErrorRule {
  let methodsOf: ((path: string) => readonly string[]) | null = null;
  const unrouted = (request: Request): Problem => {
    methodsOf ??= createMethodTable(options.routes());
    const allowed = methodsOf(new URL(request.url).pathname);
    if (allowed.length === 0) return new Problem(404, 'Not Found', 'There is nothing at this path.');
    const detail = `This path answers ${allowed.join(', ')} only.`;
    return new Problem(405, 'Method Not Allowed', detail, { allow: allowed.join(', ') });
  };
  return ({ code, error, request }) => {
    const id = requestId(request);
    const problem = problemIn(error);
    const known = options.known(problem ?? error, request);
    if (known !== null) return known;
    if (problem !== null) return problemResponse(problem, id);
    if (code === 'NOT_FOUND') return problemResponse(unrouted(request), id);
    if (code === 'PARSE') return problemResponse(malformed([]), id);
    if (code === 'VALIDATION' && isRequestFault(error)) return problemResponse(malformed(faultsOf(error)), id);
    if (receivedOf(request).signal.aborted) {
      options.log.debug('the caller left before its request was complete', { 'http.request.id': id });
      return problemResponse(malformed([]), id);
    }
    options.log.error('request failed', { error, 'http.request.id': id, 'http.request.method': request.method });
    const detail = 'Something went wrong on this side; the operator finds the cause in the log by the request id.';
    return problemResponse(new Problem(500, 'Internal Server Error', detail), id);
  };
}

/** What a parser of bodies throws arrives wrapped in an error of the framework. */
function problemIn(error: unknown): Problem | null {
  if (error instanceof Problem) return error;
  return error instanceof Error && error.cause instanceof Problem ? error.cause : null;
}

interface FieldFault {
  readonly path: string;
  readonly detail: string;
}

interface RequestFault {
  readonly type: string;
  readonly all: readonly {
    readonly type?: number;
    readonly path?: string;
    readonly message?: string;
    readonly schema?: { readonly error?: unknown };
  }[];
}

/** A response that fails its own schema is our fault, never the caller's, and would show the whole value. */
function isRequestFault(error: unknown): error is RequestFault {
  return error instanceof Error && 'all' in error && 'type' in error && error.type !== 'response';
}

/** Where and what is expected; never what was sent, which may be a secret, and the name of an unexpected member was sent too. */
function faultsOf(error: RequestFault): FieldFault[] {
  const faults = error.all.map(({ type, path = '', message = 'is not valid', schema }) => ({
    path: type === ValueErrorType.ObjectAdditionalProperties ? '' : path,
    detail: typeof schema?.error === 'string' ? schema.error : message,
  }));
  return faults.filter(({ path }, at) => faults.findIndex((other) => other.path === path) === at).slice(0, 16);
}

function malformed(errors: readonly FieldFault[]): Problem {
  const where = errors.map(({ path, detail }) => `${path.slice(1) || 'The body'} ${detail}`).join('; ');
  const detail = where || 'The body is not JSON; send application/json.';
  return new Problem(422, 'Unprocessable Content', detail, {}, { errors });
}

/** Path → methods it answers, sorted; empty for an unknown path. HEAD comes with GET. */
function createMethodTable(routes: readonly Route[]): (path: string) => readonly string[] {
  const table = routes.map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  return (path) => {
    const methods = new Set(table.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  };
}

/** `/a/:name/` → the paths it stands for, with or without the last slash. */
function patternOf(path: string): RegExp {
  const escaped = path.replace(/\/$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:[^/]+/g, '[^/]+')}/?$`);
}
