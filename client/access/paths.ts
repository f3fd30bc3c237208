/** What anybody may ask for: the page that signs in, its files, what the API is like, and how the client is. */
const OPEN = new Set(['/', '/health', '/health/live', '/health/ready', '/docs', '/api/session']);

/** Files of the page and of the documentation; `/metrics` has a rule of its own. */
const OPEN_BELOW = ['/dashboard/', '/docs/'];

/** True for a path that needs no sign-in. Everything else does, whether there is something at it or not. */
export function isOpen(path: string): boolean {
  return OPEN.has(path) || OPEN_BELOW.some((start) => path.startsWith(start));
}

/** True for what hands out tokens or acts with them, whatever the method. */
export function usesTokens(path: string): boolean {
  return path === '/api/token' || path.startsWith('/api/token/') || path.startsWith('/proxy/');
}
