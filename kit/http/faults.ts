import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors';
import { type FieldFault, type Problem, unprocessable } from './problem';

/** Faults that are told of one request; whoever wrote it mends them one by one anyway. */
const TOLD_MAX = 16;

/** Faults that are looked at: a long list of nonsense is as wrong after so many. */
const LOOKED_AT_MAX = 64;

/**
 * What is wrong with a value, in the words of its schema: where, and what is expected; never what was sent, which may be a
 * secret, and the name of an unexpected member was sent too. At most one fault for each place.
 */
export function faultsIn(errors: Iterable<ValueError>): FieldFault[] {
  const byPath = new Map<string, FieldFault>();
  for (const error of first(errors, LOOKED_AT_MAX)) {
    for (const fault of faultsOf(error)) if (!byPath.has(fault.path)) byPath.set(fault.path, fault);
  }
  return [...byPath.values()].slice(0, TOLD_MAX);
}

/** 422 that names each fault; `whole` is what they are in. */
export function malformed(faults: readonly FieldFault[], whole = 'The body'): Problem {
  const where = faults.map(({ path, detail }) => `${path.slice(1) || whole} ${detail}`);
  return unprocessable(where.join('; '), faults);
}

function faultsOf(error: ValueError): FieldFault[] {
  const said = sentenceOf(error);
  if (error.type === ValueErrorType.ObjectAdditionalProperties)
    return [
      { path: error.path.slice(0, error.path.lastIndexOf('/')), detail: said ?? 'has a member that is not known' },
    ];
  if (error.type === ValueErrorType.Union && said === null) return faultsOfUnion(error);
  return [{ path: error.path, detail: said ?? error.message }];
}

/** Of several shapes the one is meant that the value comes nearest to: where the fault lies deepest. */
function faultsOfUnion({ path, errors, message }: ValueError): FieldFault[] {
  const shapes = errors.map((shape) => [...first(shape, LOOKED_AT_MAX)]);
  const within = shapes.find((faults) => faults.some((fault) => fault.path.length > path.length));
  if (within !== undefined) return within.flatMap(faultsOf);
  const said = shapes
    .flat()
    .map(sentenceOf)
    .find((sentence) => sentence !== null);
  return [{ path, detail: said ?? message }];
}

/** What the schema itself says of what it expects. */
function sentenceOf({ schema }: ValueError): string | null {
  const said: unknown = schema['error'];
  return typeof said === 'string' ? said : null;
}

function* first<T>(all: Iterable<T>, max: number): Iterable<T> {
  let count = 0;
  for (const one of all) {
    if (count++ === max) return;
    yield one;
  }
}
