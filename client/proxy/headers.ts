/** Of one connection only (RFC 9110 §7.6.1), with what older programs send. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

/**
 * What says who the caller is, or claims to: the target is to know the credential alone. A browser's word on the page that
 * asked is about this client, and not about the target. Answers come as they are, so that none is decoded on the way.
 */
const OF_THE_CALLER =
  /^(?:authorization|cookie2?|host|x-admin-secret|client-cert(?:-chain)?|dpop|forwarded|x-forwarded-.*|x-real-ip|expect|accept-encoding|origin|referer|sec-.*)$/;

/**
 * What a target must not say in our name: cookies and rules for our origin, leave for other sites to read it, its own nonces
 * for proofs that the client makes.
 */
const OF_THE_TARGET =
  /^(?:set-cookie2?|strict-transport-security|clear-site-data|alt-svc|public-key-pins.*|service-worker-allowed|access-control-.*|content-security-policy.*|report-to|reporting-endpoints|nel|refresh|dpop-nonce)$/;

/** Whatever the target sends, a browser makes no page of it that could act in our name. */
const INERT = {
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Codings that fetch undoes on its own; what it says of them and of the length is then not true any more. */
const DECODED = /^(?:gzip|x-gzip|deflate|br|zstd)$/i;

/** Schemes for which a browser asks its user for a password, in the name of this client. */
const ASKS_FOR_PASSWORD = /(?:^|,)\s*(?:basic|digest|negotiate|ntlm)\b/i;

/** Headers of the request to the target, as yet without a token. `name`: what this proxy calls itself in `Via`. */
export function requestHeaders(received: Headers, name: string): Headers {
  const headers = endToEnd(received, OF_THE_CALLER);
  headers.set('accept-encoding', 'identity');
  appendVia(headers, name);
  return headers;
}

/** Headers of the answer to the caller. */
export function answerHeaders(received: Headers, name: string): Headers {
  const headers = endToEnd(received, OF_THE_TARGET);
  if (DECODED.test(headers.get('content-encoding') ?? '')) {
    headers.delete('content-encoding');
    headers.delete('content-length');
  }
  if (ASKS_FOR_PASSWORD.test(headers.get('www-authenticate') ?? '')) headers.delete('www-authenticate');
  for (const [header, value] of Object.entries(INERT)) headers.set(header, value);
  appendVia(headers, name);
  return headers;
}

/** True when this proxy has passed the request on before. */
export function hasPassed(received: Headers, name: string): boolean {
  return (received.get('via') ?? '').split(',').some((hop) => hop.trim().split(/\s+/)[1] === name);
}

/** A copy without what is for this connection alone, which `Connection` may add to, and without what fits `dropped`. */
function endToEnd(received: Headers, dropped: RegExp): Headers {
  const named = (received.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase());
  const hop = new Set<string>([...HOP_BY_HOP, ...named]);
  const headers = new Headers();
  for (const [name, value] of received) if (!hop.has(name) && !dropped.test(name)) headers.append(name, value);
  return headers;
}

function appendVia(headers: Headers, name: string): void {
  headers.append('via', `1.1 ${name}`);
}
