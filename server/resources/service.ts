/** Resource servers (RFC 8707): for whom tokens are issued, and with which scopes. Held in memory, since every token asks. */
import { malformed } from '../../kit/http/faults';
import { conflict, notFound, type Problem } from '../../kit/http/problem';
import { createRerun } from '../../kit/in-order';
import { resourceIdentifier, resourceUri } from '../oauth/resource';
import { formatScope, SCOPE_CHARACTERS_MAX } from '../oauth/scope';
import { checkIdentifier, type Known } from './identifier';
import type { NewResource, ResourceChange, ResourceView } from './model';
import type { ResourceStore, StoredResource } from './store';

/** A resource server; `audience` is its absolute URI, the `aud` of its tokens. */
export interface Resource extends StoredResource {
  readonly audience: string;
}

/** What a client was or is to be granted: identifier inside → scopes. */
export type GrantsByResource = Readonly<Record<string, readonly string[]>>;

/** The resource servers of this server. Call `changed` once before the first request. */
export interface Resources {
  /** The resource of this identifier, as it is inside (a path for our own); from memory. */
  find(identifier: string): Resource | undefined;
  /** The resource of this absolute URI; from memory. */
  findByUri(uri: string): Resource | undefined;
  all(): readonly Resource[];
  /** @throws Problem 422 when a resource or scope is granted that there is not, or nothing of a resource. */
  checkGrants(grants: GrantsByResource): void;
  /** As the administrator sees them. */
  list(): readonly ResourceView[];
  /** @throws Problem 422 when the identifier cannot be one, its scopes are too long together or a client is unknown, 409 when it is taken or there are too many. */
  create(input: NewResource): Promise<ResourceView>;
  /** Scopes that go are taken from every client. @throws Problem 404, 422 when they are too long together or a client is unknown, and 409 for other scopes of a built-in one. */
  update(id: number, change: ResourceChange): Promise<ResourceView>;
  /** Takes it from every client too. @throws Problem 404, and 409 for a built-in one. */
  remove(id: number): Promise<void>;
  /** Reads all again, after any change of them. */
  changed(): Promise<void>;
}

/** What the service stands on. */
export interface ResourcesOptions extends Known {
  readonly store: ResourceStore;
  readonly now: () => number;
}

/** All are held in memory and shown on one page. */
const RESOURCES_MAX = 1_000;

/** The resource servers, as last read from the store. */
export function createResources({ store, issuer, publicUrls, now }: ResourcesOptions): Resources {
  let byIdentifier = new Map<string, Resource>();
  let byUri = new Map<string, Resource>();
  const read = async (): Promise<void> => {
    const all = (await store.all()).map((row) => ({ ...row, audience: resourceUri(issuer, row.identifier) }));
    byIdentifier = new Map(all.map((resource) => [resource.identifier, resource]));
    byUri = new Map(all.map((resource) => [resource.audience, resource]));
  };
  const changed = createRerun(read);
  const known = (id: number): Resource => {
    const found = [...byIdentifier.values()].find((resource) => resource.id === id);
    if (found === undefined) throw missing();
    return found;
  };
  const view = (row: StoredResource): ResourceView => viewOf(row, issuer);
  /** Whoever registers chooses an id: one that waits for its client would be anybody's. */
  const checkClients = async (clientIds: readonly string[]): Promise<void> => {
    if (clientIds.length === 0) return;
    if ((await store.freeIds(clientIds)).length > 0)
      throw fault('/introspection_clients', 'names a client that is not registered');
  };
  return {
    find: (identifier) => byIdentifier.get(identifier),
    findByUri: (uri) => byUri.get(uri),
    all: () => [...byIdentifier.values()],
    checkGrants: (grants) => {
      for (const [identifier, scopes] of Object.entries(grants))
        checkGrant(resourceUri(issuer, identifier), byIdentifier.get(identifier), scopes);
    },
    list: () => [...byIdentifier.values()].map(view),
    create: async ({ identifier, name, scopes, introspection_clients: introspectionClients = [] }) => {
      checkIdentifier(identifier, { issuer, publicUrls });
      checkScopes(scopes);
      if (byIdentifier.size >= RESOURCES_MAX) throw conflict(`There are ${RESOURCES_MAX} resources already.`);
      await checkClients(introspectionClients);
      const inside = resourceIdentifier(issuer, identifier);
      const row = { identifier: inside, name, scopes, introspectionClients, createdAt: new Date(now()) };
      const inserted = await store.insert(row);
      if (inserted === null) throw conflict('A resource with this identifier is already registered.');
      await changed();
      return view(inserted);
    },
    update: async (id, { name, scopes, introspection_clients: introspectionClients }) => {
      if (scopes !== undefined && isBuiltIn(known(id))) throw conflict('The scopes of a built-in resource are fixed.');
      if (scopes !== undefined) checkScopes(scopes);
      await checkClients(introspectionClients ?? []);
      const updated = await store.update(id, {
        ...(name !== undefined && { name }),
        ...(scopes !== undefined && { scopes }),
        ...(introspectionClients !== undefined && { introspectionClients }),
      });
      if (updated === null) throw missing();
      await changed();
      return view(updated);
    },
    remove: async (id) => {
      if (isBuiltIn(known(id))) throw conflict('A built-in resource cannot be removed.');
      if (!(await store.remove(id))) throw missing();
      await changed();
    },
    changed,
  };
}

/** This server's own resources are known by their path. */
function isBuiltIn({ identifier }: StoredResource): boolean {
  return identifier.startsWith('/');
}

function viewOf(row: StoredResource, issuer: string): ResourceView {
  return {
    id: row.id,
    identifier: resourceUri(issuer, row.identifier),
    name: row.name,
    scopes: [...row.scopes],
    introspection_clients: [...row.introspectionClients],
    built_in: isBuiltIn(row),
    created_at: row.createdAt.toISOString(),
  };
}

/** Whoever grants is the administrator, and named all this himself. */
function checkGrant(uri: string, resource: Resource | undefined, scopes: readonly string[]): void {
  if (resource === undefined) throw fault('/grants', `names ${uri}, a resource that is not registered`);
  if (scopes.length === 0) throw fault('/grants', `names ${uri} without a scope; leave it out`);
  const unknown = scopes.find((scope) => !resource.scopes.includes(scope));
  if (unknown !== undefined) throw fault('/grants', `names ${unknown}, a scope that ${uri} does not have`);
}

/** A token must be able to hold them all. */
function checkScopes(scopes: readonly string[]): void {
  if (formatScope(scopes).length > SCOPE_CHARACTERS_MAX)
    throw fault('/scopes', `are together longer than ${SCOPE_CHARACTERS_MAX} characters`);
}

function fault(path: string, detail: string): Problem {
  return malformed([{ path, detail }]);
}

function missing(): Problem {
  return notFound('There is no such resource.');
}
