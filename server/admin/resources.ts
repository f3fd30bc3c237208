import { Elysia, t } from 'elysia';
import { readRowNumber } from '../../kit/http/row-number';
import { changesOf, type EventDetails, type Tell } from '../oauth/event';
import type { EventName } from '../oauth/words';
import { NewResource, ResourceChange, ResourceView } from '../resources/model';
import type { Resources } from '../resources/service';
import { type Access, done, reply } from './access';
import { describeRoute } from './detail';
import { Done } from './model';

/** What the routes of resources need. */
export interface ResourceRoutesOptions {
  readonly access: Access;
  readonly resources: Pick<Resources, 'list' | 'create' | 'update' | 'remove'>;
  readonly tell: Tell;
}

const ONE = '/api/admin/resources/:id';

/** Resource servers (RFC 8707): for whom tokens are issued. */
export function resourceRoutes({ access, resources, tell }: ResourceRoutesOptions) {
  const told = (event: EventName, request: Request, details: EventDetails) =>
    tell({ event, outcome: 'success', actor: access.actorOf(request).name, details }, request);
  const listed = (id: number) => resources.list().find((resource) => resource.id === id);
  return new Elysia({ name: 'admin-resources' })
    .get('/api/admin/resources', () => reply({ items: resources.list() }), {
      transform: access.admit,
      response: { 200: t.Object({ items: t.Array(ResourceView) }) },
      detail: describeRoute('listResources', 'List resource servers'),
    })
    .post(
      '/api/admin/resources',
      async ({ body, request }) => {
        const resource = await resources.create(body);
        await told('resource_created', request, { resource: resource.identifier, ...settingsOf(resource) });
        return reply(resource, 201);
      },
      {
        parse: access.json,
        body: NewResource,
        response: { 201: ResourceView },
        detail: describeRoute('createResource', 'Register a resource server'),
      },
    )
    .patch(
      ONE,
      async ({ body, params, request }) => {
        const id = readRowNumber(params.id, 'resource');
        const before = listed(id);
        const resource = await resources.update(id, body);
        const changes = changesOf(before ? settingsOf(before) : {}, settingsOf(resource));
        if (changes !== null) await told('resource_updated', request, { resource: resource.identifier, ...changes });
        return reply(resource);
      },
      {
        parse: access.json,
        body: ResourceChange,
        response: { 200: ResourceView },
        detail: describeRoute(
          'updateResource',
          'Change a resource server',
          'Scopes that go are taken from every client.',
        ),
      },
    )
    .delete(
      ONE,
      async ({ params, request }) => {
        const id = readRowNumber(params.id, 'resource');
        const identifier = listed(id)?.identifier ?? '';
        await resources.remove(id);
        await told('resource_deleted', request, { resource: identifier });
        return done();
      },
      {
        transform: access.admit,
        response: { 204: Done },
        detail: describeRoute('deleteResource', 'Remove a resource server', 'It is taken from every client.'),
      },
    );
}

/** What may change of a resource. */
function settingsOf({ name, scopes, introspection_clients }: ResourceView): EventDetails {
  return { name, scopes, introspection_clients };
}
