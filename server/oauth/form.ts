import { invalidRequest } from './errors';

/** Parameters of a request by name; only a name that may be repeated has more than one value. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** RFC 8707 §2 allows several; every other parameter must not be repeated (RFC 6749 §3.2). */
const REPEATABLE = new Set(['resource']);

/** C0 controls and DEL: no parameter of the token endpoint has a use for them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const CONTROL = /[\x00-\x1F\x7F]/;

/**
 * `application/x-www-form-urlencoded` → parameters (RFC 6749 appendix B). A parameter without a value counts as left
 * out (RFC 6749 §3.2). @throws OAuthError invalid_request on a broken escape, a control character, a repetition.
 */
export function parseForm(body: string): Parameters {
  const pairs = body.split('&').filter((pair) => pair !== '');
  return collect(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [decodeForm(pair), ''] : [decodeForm(pair.slice(0, at)), decodeForm(pair.slice(at + 1))];
    }),
  );
}

/**
 * The JSON short form: one flat object of strings; `resource` may be an array of strings.
 * @throws OAuthError invalid_request on anything else, and on a repeated name.
 */
export function parseJson(body: string): Parameters {
  const value = readJson(body);
  const entries = Object.entries(value).flatMap(([name, given]): [string, string][] => {
    const values = REPEATABLE.has(name) && Array.isArray(given) ? given : [given];
    return values.map((one) => [name, typeof one === 'string' ? one : refuseType(name)]);
  });
  if (countNames(body) !== Object.keys(value).length) throw invalidRequest('json_member_repeated');
  return collect(entries);
}

/** One form-encoded text → its meaning. @throws OAuthError invalid_request on a broken escape. */
export function decodeForm(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidRequest('form_broken');
  }
}

/** True when the text has a control character. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

function collect(pairs: readonly (readonly string[])[]): Parameters {
  const found = new Map<string, string[]>();
  for (const [name = '', value = ''] of pairs) {
    if (hasControl(value)) throw invalidRequest('parameter_control_character');
    const values = found.get(name);
    if (values === undefined) found.set(name, [value]);
    else if (REPEATABLE.has(name)) values.push(value);
    else throw invalidRequest('parameter_repeated');
  }
  for (const [name, values] of found) {
    const given = values.filter((value) => value !== '');
    if (given.length === 0) found.delete(name);
    else found.set(name, given);
  }
  return found;
}

function readJson(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw invalidRequest('json_broken');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest('json_not_object');
  }
  return { ...value };
}

/** Names of the short form, which may be said: any other may be a secret that was put in the wrong place. */
const SAYABLE = new Set(['grant_type', 'client_id', 'client_secret', 'scope', 'resource']);

function refuseType(name: string): never {
  if (!SAYABLE.has(name)) throw invalidRequest('json_member_not_string');
  throw invalidRequest('json_member_not_string', `The JSON member ${name} is not a string.`);
}

/** `JSON.parse` keeps the last of two equal names without a word; in a flat object a string before `:` is a name. */
function countNames(json: string): number {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}
