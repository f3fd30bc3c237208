// What a browser is told about pages and the files they load. That no answer is to be sniffed is said of all by the edge.

/** No other site may load the file into a page of its own. */
export const FILE_HEADERS = { 'cross-origin-resource-policy': 'same-origin' } as const;

/** Headers of a page under this content security policy: it stays alone, asks for nothing and tells nobody where one came from. */
export function pageHeaders(contentSecurityPolicy: string): Readonly<Record<string, string>> {
  return {
    ...FILE_HEADERS,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy,
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
  };
}
