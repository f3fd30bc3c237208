import { Counter, Gauge, Registry } from 'prom-client';
import type { Route } from '../../kit/http/errors';
import { watchProcess } from '../../kit/metrics/process';
import { type Answered, createTraffic, type Observe } from '../../kit/metrics/traffic';
import type { SecurityEvent } from '../oauth/event';
import { type Counts, createCounts } from './counts';

/** What is read when somebody scrapes; `label` null: one number without a label. `ofAll`: what several workers make of theirs. */
const GAUGES = {
  client_secrets: { help: 'Secrets of clients by state: live, ending, replaced, ended.', label: 'state', ofAll: 'max' },
  client_secret_next_expiry_seconds: {
    help: 'Seconds until the next secret of a client ends that is not replaced.',
    label: null,
    ofAll: 'min',
  },
  signing_keys: { help: 'Signing keys by state: next, active, retiring, revoked.', label: 'state', ofAll: 'max' },
  signing_key_age_seconds: { help: 'Seconds since the key took over that signs.', label: null, ofAll: 'max' },
  audit_queue_length: { help: 'Audit events that wait to be written.', label: null, ofAll: 'sum' },
  audit_head_seq: { help: 'Number of the last audit event this server wrote or read.', label: null, ofAll: 'max' },
  audit_intact: {
    help: '0 while something is wrong with the audit trail, or a finding in it is not acknowledged.',
    label: null,
    ofAll: 'min',
  },
  revoked_tokens_held: {
    help: 'Revoked access tokens kept in memory until a day after they would have ended.',
    label: null,
    ofAll: 'max',
  },
  remembered_tokens: { help: 'Verified access tokens kept in memory.', label: null, ofAll: 'sum' },
  limit_keys: { help: 'Clients and addresses remembered by the limits, by policy.', label: 'policy', ofAll: 'sum' },
  stream_subscribers: { help: 'Open streams, by kind.', label: 'kind', ofAll: 'sum' },
  rates_seq: {
    help: 'Number of the tick that this server serves; the same on every server that is up to date.',
    label: null,
    ofAll: 'min',
  },
  rates_age_seconds: { help: 'Seconds since the tick was made that this server serves.', label: null, ofAll: 'max' },
  database_connections: {
    help: 'Connections to the database by state, and jobs that wait for one.',
    label: 'state',
    ofAll: 'sum',
  },
  market_age_seconds: {
    help: 'Seconds since the exchange that prices come from was last heard.',
    label: null,
    ofAll: 'max',
  },
  market_live: {
    help: '1 while the exchange sends prices by itself, 0 while it has to be asked.',
    label: null,
    ofAll: 'min',
  },
  certificate_expiry_seconds: {
    help: 'Seconds until the certificate ends that new connections get.',
    label: null,
    ofAll: 'min',
  },
  redis_up: { help: '1 while Redis answers, 0 while this server goes by its own memory.', label: null, ofAll: 'min' },
  database_reachable: { help: '1 while changes in the database are heard of and taken in.', label: null, ofAll: 'min' },
  workers: { help: 'Processes that answered this scrape.', label: null, ofAll: 'sum' },
} as const;

/** Totals that somebody else keeps. */
const TOTALS = {
  audit_events_lost_total: { help: 'Audit events that found no place while the database was away.', label: null },
  ticks_total: { help: 'Ticks that this server has made; of several servers one makes each.', label: null },
  token_readings_total: {
    help: 'Access tokens read, by result: remembered, verified, refused.',
    label: 'result',
  },
} as const;

/** A gauge, or a total kept elsewhere, by its name without `crypto_server_`. */
export type Watched = keyof typeof GAUGES | keyof typeof TOTALS;

/** A value, or values by label; null: not known now, and so not shown. */
export type Reading = number | Readonly<Record<string, number>> | null;

/** Reads a value; it must not fail. */
export type Read = () => Reading | Promise<Reading>;

/** What is measured of this server. Counting is cheap; all else is done when somebody scrapes. */
export interface Metrics {
  readonly registry: Registry;
  /** What is told of every answer; the routes are asked for at the first. */
  traffic(
    routes: () => readonly Pick<Route, 'path'>[],
    told: ((request: Request, answer: Answered) => void) | null,
  ): Observe;
  /** Counts one access token, by how its client authenticated. */
  issued(method: string): void;
  /** Counts one request for a token that was refused; `method`: null where it did not get as far as that. */
  refused(error: string, method: string | null): void;
  /** Counts a refusal, or a limit that was hit. */
  told(event: SecurityEvent): void;
  /** Counts a stream that was cut. */
  cut(reason: string): void;
  /** Has this value read at every scrape. */
  watch(name: Watched, read: Read): void;
}

const PREFIX = 'crypto_server_';

/** Combinations of method and error: of five or none, and nine. */
const REFUSED_MAX = 64;

/** Combinations of event and reason; there are some hundred. */
const REASONS_MAX = 200;

/** A registry of its own, without the default collectors, several of which are wrong on Bun. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const issued = createCounts(['method'], 16);
  const refused = createCounts(['method', 'error'], REFUSED_MAX);
  const refusals = createCounts(['event', 'reason'], REASONS_MAX);
  const limits = createCounts(['policy'], 16);
  const cuts = createCounts(['reason'], 16);
  const registers = [registry];
  count(registry, 'tokens_issued_total', 'Access tokens issued, by how the client authenticated.', ['method'], issued);
  const ofRefused = 'Requests for a token that were refused, by how the client tried to authenticate, and error.';
  count(registry, 'tokens_refused_total', ofRefused, ['method', 'error'], refused);
  count(registry, 'refusals_total', 'Refused requests, by event and exact reason.', ['event', 'reason'], refusals);
  count(registry, 'limits_hit_total', 'Requests beyond a limit, by policy.', ['policy'], limits);
  count(registry, 'stream_cuts_total', 'Streams that were cut, by reason.', ['reason'], cuts);
  const help = 'Version of this server; always 1.';
  new Gauge({ name: `${PREFIX}info`, help, labelNames: ['version'], registers, aggregator: 'first' }).set(
    { version },
    1,
  );
  watchProcess(registry);
  return {
    registry,
    traffic: (routes, told) => createTraffic(registry, PREFIX, routes, told),
    issued: (method) => issued.add({ method }),
    refused: (error, method) => refused.add({ method: method ?? 'none', error }),
    told: ({ event, outcome, reason = 'other' }) => {
      if (outcome === 'success') return;
      if (event === 'limit_exceeded') limits.add({ policy: reason });
      else refusals.add({ event, reason });
    },
    cut: (reason) => cuts.add({ reason }),
    watch: (name, read) => {
      if (name in TOTALS) watchTotal(registry, name as keyof typeof TOTALS, read);
      else watchGauge(registry, name as keyof typeof GAUGES, read);
    },
  };
}

function count<Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Label[],
  counts: Counts<Label>,
): void {
  new Counter({
    name: PREFIX + name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, count } of counts.all()) this.inc({ ...labels }, count);
    },
  });
}

function watchGauge(registry: Registry, name: keyof typeof GAUGES, read: Read): void {
  const { help, label, ofAll } = GAUGES[name];
  new Gauge<string>({
    name: PREFIX + name,
    help,
    aggregator: ofAll,
    labelNames: label === null ? [] : [label],
    registers: [registry],
    async collect() {
      const reading = await read();
      this.reset();
      // A gauge without labels shows 0 after a reset, which would be a lie where nothing is known.
      if (reading === null && label === null) this.remove();
      else if (reading === null) return;
      else if (typeof reading === 'number') this.set(reading);
      else for (const [value, number] of Object.entries(reading)) this.set({ [label ?? '']: value }, number);
    },
  });
}

function watchTotal(registry: Registry, name: keyof typeof TOTALS, read: Read): void {
  const { help, label } = TOTALS[name];
  new Counter<string>({
    name: PREFIX + name,
    help,
    labelNames: label === null ? [] : [label],
    registers: [registry],
    async collect() {
      const reading = (await read()) ?? 0;
      this.reset();
      if (typeof reading === 'number') this.inc(reading);
      else for (const [value, number] of Object.entries(reading)) this.inc({ [label ?? '']: value }, number);
    },
  });
}
