import { type TSchema, t } from 'elysia';

/** What a schema of this file says beside its rule. */
interface Words {
  readonly description?: string;
  readonly examples?: readonly string[];
}

/** One character of UTF-8: a surrogate pair is one (`maxLength` counts two), half of one is none, nor are C0, DEL and C1 controls. */
const CHARACTER = '(?:[\\uD800-\\uDBFF][\\uDC00-\\uDFFF]|[^\\u0000-\\u001F\\u007F-\\u009F\\uD800-\\uDFFF])';

/** Text of `min` to `max` characters without controls. */
export const plainText = (min: number, max: number, words: Words = {}) => {
  const length = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return t.String({
    pattern: `^${CHARACTER}{${min},${max}}$`,
    error: `must be ${length} characters without control characters`,
    ...words,
  });
};

/** A name for people: text of 1 to `max` characters that neither begins nor ends with a space, so that two of them look different. */
export const displayName = (max: number, words: Words = {}) =>
  t.String({
    pattern: `^(?!\\s)${CHARACTER}{1,${max}}(?<!\\s)$`,
    error: `must be 1 to ${max} characters without control characters, with no space at either end`,
    ...words,
  });

/** The same, where people need not give one. */
export const label = (max: number, words: Words = {}) =>
  t.String({
    pattern: `^(?:(?!\\s)${CHARACTER}{1,${max}}(?<!\\s))?$`,
    error: `must be at most ${max} characters without control characters, with no space at either end`,
    ...words,
  });

/** A time on the wire (RFC 3339, UTC). */
export const moment = (description: string) =>
  t.String({ format: 'date-time', description, examples: ['2026-01-01T00:00:00.000Z'] });

const DAY = [
  '\\d{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])',
  '\\d{4}-(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)',
  '\\d{4}-02-(?:0[1-9]|1\\d|2[0-8])',
  '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29',
].join('|');
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?';

/** A time that a caller names (RFC 3339 §5.6: `t` and `z` may be small letters). A time zone is asked for: without one it would be another moment on every machine. */
export const instant = (description: string, example = '2026-01-01T00:00:00.000Z') =>
  t.String({
    pattern: `^(?!0000)(?:${DAY})[Tt]${TIME}(?:[Zz]|[+-](?:0\\d|1[0-4]):[0-5]\\d)$`,
    description,
    error: 'must be a time of RFC 3339, such as 2026-01-01T00:00:00Z',
    examples: [example],
  });

/** The same, or null. */
export const nullable = <S extends TSchema>(schema: S) => t.Union([schema, t.Null()]);
