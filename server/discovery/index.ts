/** What a stranger can find out: authorization server metadata (RFC 8414), protected resource metadata (RFC 9728), public keys (RFC 7517). Apart, because it describes the others and does nothing. */
import { Elysia } from 'elysia';
import { createRepresent, fixedRepresentation, type Representation } from '../../kit/http/representation';
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

/** A document, serialised once for as long as `value` gives the same object. */
function createDocument(value: () => object): (request: Request) => Response {
  const represent = createRepresent({
    'content-type': 'application/json',
    'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
  });
  let ready: { readonly of: object; readonly document: Representation } | null = null;
  return (request) => {
    const of = value();
    if (ready?.of !== of) ready = { of, document: fixedRepresentation(new TextEncoder().encode(JSON.stringify(of))) };
    return represent(request, ready.document);
  };
}
