import { Counter, type Metric, type MetricValueWithName, type Registry } from 'prom-client';
import type { Route } from '../http/errors';
import { pathOf } from '../http/url-path';
import { createFindRoute, type FindRoute } from './routes';

/** Told of each answer; `ms` is the time until its head. It must be quick: every request pays for it. */
export type Observe = (request: Request, status: number, ms: number) => void;

/** An answer, as it is counted: the pattern of its route, or `none`. */
export interface Answered {
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

/** Upper bounds in milliseconds: from a token in memory to a request that waits for a database that is away. */
const BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/** What a caller may put in a method has no end; these are told apart. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What belongs to no route. */
const NO_ROUTE = 'none';

/** The answers of one route to one method. */
interface Series {
  readonly route: string;
  readonly method: string;
  /** Number of answers by status. */
  readonly statuses: Map<number, number>;
  /** Number of answers by the first bound that they do not exceed; the last one has no bound. */
  readonly buckets: Float64Array;
  sumMs: number;
}

/**
 * Counts requests by route pattern, method and status, and how long they took, as `<prefix>http_requests_total` and
 * `<prefix>http_request_duration_seconds`. Numbers are kept in plain arrays and written as samples when somebody scrapes: prom-client's own
 * counting costs more than the rest of a request. The number of series is bounded by the routes, whatever callers ask for. `told`
 * hears of each answer too.
 */
export function createTraffic(
  registry: Registry,
  prefix: string,
  routes: () => readonly Pick<Route, 'path'>[],
  told: ((request: Request, answer: Answered) => void) | null = null,
): Observe {
  const seriesOf = new Map<string, Map<string, Series>>();
  // At the first request: before, the application is not complete.
  let find: FindRoute | null = null;

  const series = (route: string, method: string): Series => {
    const known = seriesOf.get(route)?.get(method);
    if (known !== undefined) return known;
    const buckets = new Float64Array(BOUNDS_MS.length + 1);
    const made: Series = { route, method, statuses: new Map(), buckets, sumMs: 0 };
    seriesOf.set(route, (seriesOf.get(route) ?? new Map()).set(method, made));
    return made;
  };
  const all = (): Series[] => [...seriesOf.values()].flatMap((ofRoute) => [...ofRoute.values()]);
  requestCounter(registry, prefix, all);
  registry.registerMetric(durationHistogram(prefix, all));

  return (request, status, ms) => {
    find ??= createFindRoute(routes());
    const route = find(pathOf(request.url)) ?? NO_ROUTE;
    const one = series(route, METHODS.has(request.method) ? request.method : 'other');
    one.statuses.set(status, (one.statuses.get(status) ?? 0) + 1);
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && ms > (BOUNDS_MS[bucket] ?? 0)) bucket += 1;
    one.buckets[bucket] = (one.buckets[bucket] ?? 0) + 1;
    one.sumMs += ms;
    told?.(request, { route, status, ms });
  };
}

function requestCounter(registry: Registry, prefix: string, all: () => Series[]): void {
  new Counter({
    name: `${prefix}http_requests_total`,
    help: 'Answered requests, by route, method and status.',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { route, method, statuses } of all())
        for (const [status, count] of statuses) this.inc({ route, method, status }, count);
    },
  });
}

/** A histogram whose numbers are kept elsewhere. */
function durationHistogram(prefix: string, all: () => Series[]): Metric {
  const name = `${prefix}http_request_duration_seconds`;
  const help = 'Time from a request to the head of its answer, by route and method.';
  const get = async () => {
    const values = all().flatMap((series) => samples(name, series));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  };
  return { name, help, get } as unknown as Metric; // The registry asks no more of it, though its type asks for a class.
}

function samples(name: string, { route, method, buckets, sumMs }: Series): MetricValueWithName<string>[] {
  let count = 0;
  const sample = (part: string, value: number, more = {}) => ({
    metricName: `${name}_${part}`,
    labels: { ...more, route, method },
    value,
  });
  const within = [...buckets].map((number, at) => {
    count += number;
    const bound = BOUNDS_MS[at];
    return sample('bucket', count, { le: bound === undefined ? '+Inf' : seconds(bound) });
  });
  return [...within, sample('sum', seconds(sumMs)), sample('count', count)];
}

function seconds(ms: number): number {
  return ms / 1000;
}
