/** What stands in the place of something secret. */
export const REDACTED = '[redacted]';

// A first look that ordinary strings fail at once, so that the careful patterns below rarely run.
const SUSPICIOUS = /eyJ|bearer|basic|dpop|:\/\/|secret|passw|token|assertion|PRIVATE KEY|(?:cs|rt|rat)_/i;

// Words that follow "Bearer" or "Basic" in a sentence or a challenge and are no credential.
const NOT_A_CREDENTIAL =
  '(?!(?:auth\\w*|challenge|scheme|tokens?|credentials?|header|and|or|is|was)(?![\\w.~+/=-])|\\w+=["])';

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // JWS and JWE in compact form: base64url of `{"` begins with eyJ.
  [/eyJ[\w-]{4,}(?:\.[\w-]*){2,4}/g, REDACTED],
  [new RegExp(`\\b(bearer|basic|dpop)(\\s+)${NOT_A_CREDENTIAL}[\\w.~+/=-]+`, 'gi'), `$1$2${REDACTED}`],
  // What crypto-server makes, wherever it was put: in a path as well.
  [/\b(?:cs|rt|rat)_[\w-]{40,}/g, REDACTED],
  // The password of a URL, up to the last @ so that an unescaped one inside it is covered too.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/?#]*:)\S*@/gi, `$1${REDACTED}@`],
  // Form, query and cookie pairs, then members of JSON text.
  [/([\w.-]*(?:secret|passw(?:or)?d|token|assertion))=[^\s&"',;]+/gi, `$1=${REDACTED}`],
  [/("[\w.-]*(?:secret|passw(?:or)?d|token|assertion)"\s*:\s*)"(?:[^"\\]|\\.)*"?/gi, `$1"${REDACTED}"`],
];

/** Text without tokens, credentials, URL passwords and private keys; all else stays as it was. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return PATTERNS.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text);
}

const SECRET_NAME =
  /(?:^|_)(?:secrets?|tokens?|passw(?:or)?ds?|passphrases?|pwd|authorization|cookies?|assertions?|dpop|(?:private|api|encryption|vault|signing)_?keys?)(?:_|$)/;

// A name that ends so tells about the secret (`token_type`, `secret.id`) and is not the secret itself.
const TELLS_ABOUT =
  /(?:^|_)(?:ids?|types?|counts?|urls?|uris?|endpoints?|expires(?:_(?:in|at))?|at|in|ttl|seconds|ms|hints?|labels?|algs?|files?|paths?|origins?|kinds?|limits?|created|renewals?|methods?|supported)$/;

const verdicts = new Map<string, boolean>();
const MAX_VERDICTS = 2_000; // keys may come from outside; the memory of them must not grow without end

/** True when a field of this name (`client_secret`, `X-Admin-Secret`, `privateKey`) holds a secret. */
export function namesSecret(key: string): boolean {
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');
  const verdict = SECRET_NAME.test(words) && !TELLS_ABOUT.test(words);
  if (verdicts.size < MAX_VERDICTS) verdicts.set(key, verdict);
  return verdict;
}
