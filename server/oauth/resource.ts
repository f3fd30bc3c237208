/**
 * Resource identifiers (RFC 8707 §2). Inside, this server's own resources are paths (`/api/currency`), since the issuer may
 * change from one start to the next; everybody outside knows them as absolute URIs.
 */
export function resourceUri(issuer: string, identifier: string): string {
  return identifier.startsWith('/') ? `${issuer}${identifier}` : identifier;
}

/** The identifier inside of an absolute URI: the inverse of {@link resourceUri}. */
export function resourceIdentifier(issuer: string, uri: string): string {
  return uri.startsWith(`${issuer}/`) ? uri.slice(issuer.length) : uri;
}

/** Characters of the URI of somebody else's resource. */
export const RESOURCE_URI_CHARACTERS_MAX = 512;

/** The rates, and the audience of tokens when no resource is asked for. */
export const RATES_RESOURCE = '/api/currency';

/** What is needed to read the rates, and all that a client gets by registering. */
export const RATES_SCOPE = 'currency:read';

/** The administration; its scope `admin` is only ever granted by the administrator. */
export const ADMIN_RESOURCE = '/api/admin';
