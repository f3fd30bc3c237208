import type { ValueError } from '@sinclair/typebox/errors';
import { Value } from '@sinclair/typebox/value';
import { type TSchema, ValidationError } from 'elysia';
import type { Log } from '../logs';
import { faultsIn, malformed } from './faults';
import { notJson } from './json';
import { notFound, Problem, problemResponse } from './problem';
import { receivedOf } from './received';
import { requestId } from './request-id';
import { requestFields } from './trace';

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
    if (allowed.length === 0) return notFound('There is nothing at this path.');
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
    if (code === 'PARSE') return problemResponse(notJson(), id);
    if (code === 'VALIDATION' && isRequestFault(error)) return problemResponse(shapeProblem(error), id);
    if (receivedOf(request).signal.aborted) {
      options.log.debug('the caller left before its request was complete', requestFields(request));
      return problemResponse(notJson(), id);
    }
    options.log.error('request failed', { error, ...requestFields(request), 'http.request.method': request.method });
    const detail = 'Something went wrong on this side; the operator finds the cause in the log by the request id.';
    return problemResponse(new Problem(500, 'Internal Server Error', detail), id);
  };
}

/** What a parser of bodies throws arrives wrapped in an error of the framework. */
function problemIn(error: unknown): Problem | null {
  if (error instanceof Problem) return error;
  return error instanceof Error && error.cause instanceof Problem ? error.cause : null;
}

/** What the framework says of a request that does not follow its schema. `validator`: the compiled schema, or the schema itself. */
interface ShapeFault {
  readonly type: string;
  readonly value: unknown;
  readonly validator: { Errors(value: unknown): Iterable<ValueError> } | TSchema;
}

/** An answer that fails its own schema is our fault, never the caller's, and would show the whole value. */
function isRequestFault(error: unknown): error is ShapeFault {
  return error instanceof ValidationError && error.type !== 'response';
}

/** What the parts of a request are called. */
const PARTS: Readonly<Record<string, string>> = {
  body: 'The body',
  query: 'The query',
  params: 'The path',
  headers: 'The header',
  cookie: 'The cookie',
  // A number out of its bounds; the framework has forgotten which.
  property: 'A parameter',
};

/** The faults are read from the validator: the framework's own list of them makes sentences of what was sent, and some values throw. */
function shapeProblem({ type, validator, value }: ShapeFault): Problem {
  const errors = 'Errors' in validator ? validator.Errors(value) : Value.Errors(validator, value);
  return malformed(faultsIn(errors), PARTS[type]);
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
