/** The client's state in numbers, for Prometheus. Apart from status/, which tells the same to people. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Route } from '../../kit/http/errors';
import { watchProcess } from '../../kit/metrics/process';
import { createTraffic, type Observe } from '../../kit/metrics/traffic';
import type { Clock } from '../ports';
import type { StatusReport } from '../status/report';
import type { Counts } from './counts';

interface Reading {
  readonly name: string;
  readonly help: string;
  /** Null: nothing to tell now, and no sample is given; a map: a sample for each server. */
  readonly read: (
    report: StatusReport,
    certificateEndsIn: number | null,
  ) => number | null | ReadonlyMap<string, number>;
}

const activeSecret = ({ credentials }: StatusReport) => credentials.find(({ active }) => active)?.secret ?? null;

const READINGS: readonly Reading[] = [
  {
    name: 'crypto_client_token_live',
    help: '1 while there is a live access token, else 0.',
    read: ({ has_token }) => Number(has_token),
  },
  {
    name: 'crypto_client_token_expires_in_seconds',
    help: 'Seconds until the access token ends.',
    read: ({ token_expires_in }) => token_expires_in,
  },
  {
    name: 'crypto_client_renewal_failing',
    help: '1 while the last attempt to obtain a token failed, else 0.',
    read: ({ renewal }) => Number(renewal.last_error !== null),
  },
  {
    name: 'crypto_client_secret_expires_timestamp_seconds',
    help: 'When the secret of the credential in use ends, in seconds since the epoch.',
    read: (report) => {
      const endsAt = activeSecret(report)?.expires_at ?? null;
      return endsAt === null ? null : Date.parse(endsAt) / 1000;
    },
  },
  {
    name: 'crypto_client_rotation_failing',
    help: '1 while the last attempt to change the secret of the credential in use failed, else 0.',
    read: (report) => Number((activeSecret(report)?.last_error ?? null) !== null),
  },
  {
    name: 'crypto_client_server_up',
    help: '1 while the server gives rates, else 0.',
    read: ({ server }) => Number(server.state === 'ok'),
  },
  {
    name: 'crypto_client_servers_up',
    help: 'Number of servers that answered when they were last asked.',
    read: ({ servers }) => servers.filter(({ state }) => state === 'ok').length,
  },
  {
    name: 'crypto_client_server_ok',
    help: '1 for a server that answered when it was last asked, else 0.',
    read: ({ servers }) => new Map(servers.map(({ url, state }) => [url, Number(state === 'ok')])),
  },
  {
    name: 'crypto_client_server_latency_seconds',
    help: 'How long the answers of a server take of late.',
    read: ({ servers }) =>
      new Map(servers.flatMap(({ url, latency_ms: ms }) => (ms === null ? [] : [[url, ms / 1000]]))),
  },
  {
    name: 'crypto_client_stream_live',
    help: '1 while rates come as they change, else 0.',
    read: ({ stream }) => Number(stream.state === 'live' && stream.transport !== 'polling'),
  },
  {
    name: 'crypto_client_rates',
    help: 'Number of currencies known.',
    read: ({ rates }) => rates.count,
  },
  {
    name: 'crypto_client_rates_age_seconds',
    help: 'Seconds since the rates were last known to be the current ones.',
    read: ({ rates }) => rates.age_seconds,
  },
  {
    name: 'crypto_client_certificate_expiry_seconds',
    help: 'Seconds until the certificate ends that new connections get.',
    read: (_, certificateEndsIn) => certificateEndsIn,
  },
];

const TOTALS = [
  {
    name: 'crypto_client_token_requests_total',
    help: 'Tokens asked for, by result.',
    results: { granted: 'token_granted', failed: 'token_failed' },
  },
  {
    name: 'crypto_client_secret_rotations_total',
    help: 'Changes of a secret, by result.',
    results: { rotated: 'secret_rotated', failed: 'rotation_failed' },
  },
] as const;

/** What is measured of this client. */
export interface Metrics {
  readonly registry: Registry;
  /** What is told of every answer; the routes are asked for at the first. */
  traffic(routes: () => readonly Pick<Route, 'path'>[]): Observe;
}

/** Those who are asked at each scrape. */
export interface MetricsDeps {
  readonly report: () => StatusReport;
  readonly counts: Pick<Counts, 'of'>;
  /** Milliseconds since the epoch; null: plain http, or nobody listens yet. */
  readonly certificateEndsMs: () => number | null;
  readonly clock: Pick<Clock, 'now'>;
}

/** A registry of its own. */
export function createMetrics({ report, counts, certificateEndsMs, clock }: MetricsDeps): Metrics {
  const certificateEndsIn = (): number | null => {
    const endsMs = certificateEndsMs();
    return endsMs === null ? null : (endsMs - clock.now()) / 1000;
  };
  const registry = new Registry();
  watchProcess(registry);
  for (const { name, help, read } of READINGS) {
    new Gauge<string>({
      name,
      help,
      registers: [registry],
      labelNames: ['server'],
      collect() {
        const value = read(report(), certificateEndsIn());
        this.reset();
        if (typeof value === 'number') this.set(value);
        else for (const [server, number] of value ?? []) this.set({ server }, number);
      },
    });
  }
  for (const { name, help, results } of TOTALS) {
    new Counter({
      name,
      help,
      registers: [registry],
      labelNames: ['result'],
      collect() {
        this.reset();
        for (const [result, counted] of Object.entries(results)) this.inc({ result }, counts.of(counted));
      },
    });
  }
  return { registry, traffic: (routes) => createTraffic(registry, 'crypto_client_', routes) };
}
