import { readJsonObject } from '../../kit/http/json';
import type { Actor, Authorization } from './authorize';

/** What a hook is given: the request, and where headers of the answer go. */
interface Context {
  readonly request: Request;
  readonly set: { readonly headers: object };
}

/** Stands before every route of the administration. */
export interface Access {
  /** For `transform` of a route without a body: nothing of the request is judged before who sent it. */
  readonly admit: (context: Context) => Promise<void>;
  /** For `parse` of a route with a JSON body: the body is not even read before it is known who sent it. */
  readonly json: [(context: Context) => Promise<object>];
  /** Who was admitted. @throws Error when nobody was asked, so that a route that forgot to ask answers nothing. */
  actorOf(request: Request): Actor;
}

/** The access rule of the administration. */
export function createAccess({ authorize }: Pick<Authorization, 'authorize'>): Access {
  const actors = new WeakMap<Request, Actor>();
  const admit = async ({ request, set }: Context): Promise<void> => {
    if (actors.has(request)) return;
    const actor = await authorize(request);
    actors.set(request, actor);
    Object.assign(set.headers, actor.headers);
  };
  return {
    admit,
    json: [
      async (context) => {
        await admit(context);
        return readJsonObject(context.request);
      },
    ],
    actorOf: (request) => {
      const actor = actors.get(request);
      if (actor === undefined) throw new Error('This route does not ask who may use it.');
      return actor;
    },
  };
}

/** What the administrator is told is nobody else's to keep. */
const NO_STORE = { 'cache-control': 'no-store' };

/** 200, or another status, with a JSON body that is not stored. */
export function reply(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...NO_STORE, ...headers },
  });
}

/** 204. */
export function done(headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status: 204, headers: { ...NO_STORE, ...headers } });
}
