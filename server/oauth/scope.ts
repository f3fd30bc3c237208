/** Scopes of one token together, as they stand in it: a token is a header of every request, and proxies take some 8 KB of one. */
export const SCOPE_CHARACTERS_MAX = 2_048;

/** One scope token (RFC 6749 §3.3): printable ASCII without space, `"` and `\`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/**
 * `scope = scope-token *( SP scope-token )` (RFC 6749 §3.3).
 * @returns the tokens in the order given, each once; null when the text does not follow the grammar.
 */
export function parseScope(text: string): readonly string[] | null {
  const tokens = text.split(' ');
  return tokens.every((token) => SCOPE_TOKEN.test(token)) ? [...new Set(tokens)] : null;
}

/** Scope tokens → the value of a `scope` parameter or claim. */
export function formatScope(tokens: readonly string[]): string {
  return tokens.join(' ');
}
