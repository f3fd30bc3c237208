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

/** The same, or null. */
export const nullable = <S extends TSchema>(schema: S) => t.Union([schema, t.Null()]);
