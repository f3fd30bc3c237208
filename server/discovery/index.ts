/** What a stranger can find out: authorization server metadata (RFC 8414), protected resource metadata (RFC 9728), public keys (RFC 7517). Apart, because it describes the others and does nothing. */
import { createHash } from 'node:crypto';
import { Elysia } from 'elysia';
import { matchesEtag } from '../../kit/http/etag';
import type { Keyring } from '../tokens/keys';
import {
  type Described,
  describeAuthorizationServer,
  describeResource,
  JWKS_PATH,
  RESOURCE_METADATA_PATH,
} from './metadata';
import { JwksModel, ResourceMetadata, ServerMetadata } from './model';

/** What is described, and the keys as they are now. */
export interface DiscoveryOptions extends Described {
  readonly jwks: Keyring['jwks'];
}

/** Callers may keep metadata and keys this long, in seconds; a signing key is published twice as long before it is used. */
const MAX_AGE_SECONDS = 300;

/** Where the metadata of the rates is, for their challenges (RFC 9728 §5.1). */
export function resourceMetadataUrl(issuer: string): string {
  return `${issuer}${RESOURCE_METADATA_PATH}`;
}

/** Routes of the well-known documents. */
export function discoveryRoutes(options: DiscoveryOptions) {
  const server = describeAuthorizationServer(options);
  const resource = describeResource(options);
  const [serverDocument, resourceDocument, keysDocument] = [
    createDocument(() => server),
    createDocument(() => resource),
    createDocument(options.jwks),
  ];
  return new Elysia({ name: 'discovery' })
    .get('/.well-known/oauth-authorization-server', ({ request }) => serverDocument(request), {
      response: { 200: ServerMetadata },
      detail: {
        operationId: 'serverMetadata',
        tags: ['Discovery'],
        summary: 'Authorization server metadata (RFC 8414)',
      },
    })
    .get(RESOURCE_METADATA_PATH, ({ request }) => resourceDocument(request), {
      response: { 200: ResourceMetadata },
      detail: {
        operationId: 'resourceMetadata',
        tags: ['Discovery'],
        summary: 'Protected resource metadata (RFC 9728)',
      },
    })
    .get(JWKS_PATH, ({ request }) => keysDocument(request), {
      response: { 200: JwksModel },
      detail: { operationId: 'jwks', tags: ['Discovery'], summary: 'Public signing keys (RFC 7517)' },
    });
}

/** A document, serialised once for as long as `value` gives the same object. A caller that has it is told so (RFC 9110 §13.1.2). */
function createDocument(value: () => object): (request: Request) => Response {
  let ready: { readonly of: object; readonly text: string; readonly headers: Record<string, string> } | null = null;
  const prepare = (of: object) => {
    const text = JSON.stringify(of);
    const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
    const cacheControl = `public, max-age=${MAX_AGE_SECONDS}`;
    return { of, text, headers: { 'content-type': 'application/json', 'cache-control': cacheControl, etag } };
  };
  return ({ headers: asked }) => {
    const of = value();
    if (ready?.of !== of) ready = prepare(of);
    const { text, headers } = ready;
    const known = asked.get('if-none-match');
    if (known !== null && matchesEtag(known, headers['etag'] ?? ''))
      return new Response(null, { status: 304, headers });
    return new Response(text, { headers });
  };
}
