import { websocket } from 'elysia/ws';
import { bunOptions, drain, IDLE_TIMEOUT_SECONDS, inFlight, type Listener, type ListenOptions } from '../http/listen';
import type { Steer } from './steering';

type Server = Bun.Server<unknown>;
type Answer = Response | undefined;

/** An application of the framework, as far as it is served. */
export interface Application extends Omit<Listener, 'server'> {
  readonly fetch: (request: Request) => Answer | Promise<Answer>;
  readonly config: { readonly websocket?: object };
  server: Server | null;
}

/** All that listen for one application on one port, of which one takes new connections. */
export interface Listeners {
  /** Listens anew with this certificate and lets the listener before come to its end. @throws what Bun says of the certificate. */
  replace(tls: Bun.TLSOptions): void;
  /** Takes no new connections, waits for the answers in flight, and cuts what has not ended in time. */
  close(): Promise<void>;
}

/** How one listener passes on to the next. */
export interface Passing {
  readonly steer: Steer;
  /** How long an old listener is left alone; left out: as long as it is of use. */
  readonly retirementMs: number;
}

/** Where they listen. */
export interface ListenersOptions extends Omit<ListenOptions, 'tls'>, Partial<Passing> {
  readonly steer: Steer;
}

/** By then every connection of an old listener has had its last answer, or has been closed as idle. */
const RETIREMENT_MS = (IDLE_TIMEOUT_SECONDS + 15) * 1_000;

/** The same where the old listener gets new connections as long as it is there: enough for those in use. */
const SHARED_RETIREMENT_MS = 2_000;

/** Each old listener takes half a megabyte. A stream that outlasts so many certificates is cut, and its client opens it again. */
const RETIRED_MAX = 4;

/** An old listener; `end` closes it, and with true also what is open on it. */
interface Retired {
  readonly server: Server;
  end(now: boolean): Promise<void>;
}

/**
 * Takes over an application that listens. Bun keeps the certificate of a listener for as long as it listens (`reload` does not
 * change it), so that a new one takes another listener on the same port.
 */
export function createListeners(app: Application, options: ListenersOptions): Listeners {
  const group = createGroup(app, options);
  const retired = new Set<Retired>();
  const owners = new WeakMap<Request, Server>();
  const retire = (server: Server, delayMs: number): void => {
    server.reload({ ...servingOf(app, options), fetch: lastAnswer(app, owners) });
    const one = { server, end: (now: boolean) => ending(now) };
    const timer = setTimeout(() => void one.end(false), delayMs);
    const ending = async (now: boolean): Promise<void> => {
      clearTimeout(timer);
      const ended = server.stop(now);
      group.left(server);
      await ended;
      retired.delete(one);
    };
    retired.add(one);
    const [eldest] = retired;
    if (retired.size > RETIRED_MAX) void eldest?.end(true);
  };
  return {
    replace: (tls) => {
      const { server: old } = app;
      if (old === null) return;
      const next = upgradingFor(Bun.serve({ ...servingOf(app, { ...options, tls }), fetch: app.fetch }), owners);
      app.server = next;
      const direct = group.joined(next);
      retire(old, options.retirementMs ?? (direct ? RETIREMENT_MS : SHARED_RETIREMENT_MS));
    },
    close: () =>
      drain({
        stop: (now = false) => {
          // The framework complains of a second stop, which may come for the old ones alone.
          const newest = app.server === null ? [] : [app.stop(now)];
          return Promise.all([...newest, ...[...retired].map((one) => one.end(now))]);
        },
        inFlight: () =>
          [app.server, ...[...retired].map(({ server }) => server)].reduce((sum, one) => sum + inFlight(one), 0),
      }),
  };
}

/** What the kernel knows of the listeners on the port. */
function createGroup(app: Application, { port, steer }: ListenersOptions) {
  // In the order in which the kernel keeps them.
  const members: Server[] = app.server === null ? [] : [app.server];
  const direct = (): boolean => app.server !== null && steer(port, members.indexOf(app.server));
  return {
    /** True when the newest one takes all new connections from now on. */
    joined: (server: Server): boolean => {
      members.push(server);
      return direct();
    },
    left: (server: Server): void => {
      const at = members.indexOf(server);
      // It left before, and its streams end now.
      if (at < 0) return;
      const last = members.pop();
      // The last one takes the place of the one that leaves.
      if (last !== undefined && last !== server) members[at] = last;
      direct();
    },
  };
}

/** As the framework serves it, whose routes all stand behind `fetch`. */
function servingOf(app: Application, options: ListenOptions) {
  const sockets: unknown = { ...app.config.websocket, ...websocket };
  // The framework has a copy of Bun's types of its own.
  return { ...bunOptions(options), reusePort: true, websocket: sockets as Bun.WebSocketHandler<unknown> };
}

/** Every answer says that the connection ends with it: the next request comes over a new one. */
function lastAnswer(app: Application, owners: WeakMap<Request, Server>) {
  const last = (answer: Answer): Answer => {
    answer?.headers.set('connection', 'close');
    return answer;
  };
  return (request: Request, server: Server) => {
    owners.set(request, server);
    const answer = app.fetch(request);
    return answer instanceof Promise ? answer.then(last) : last(answer);
  };
}

/** The framework makes sockets by the newest listener, and Bun by the one alone that got the request. */
function upgradingFor(server: Server, owners: WeakMap<Request, Server>): Server {
  const upgrade = server.upgrade.bind(server);
  return Object.assign(server, {
    upgrade: (...[request, more]: Parameters<typeof upgrade>) => {
      const owner = owners.get(request) ?? server;
      return owner === server ? upgrade(request, more) : owner.upgrade(request, more);
    },
  });
}
