/** The client's state in numbers, for Prometheus. Apart from status/, which tells the same to people. */
import { Gauge, Registry } from 'prom-client';
import { watchProcess } from '../../kit/metrics/process';
import type { Route } from '../../kit/metrics/routes';
import { createTraffic, type Observe } from '../../kit/metrics/traffic';
import type { StatusReport } from '../status/report';

interface Reading {
  readonly name: string;
  readonly help: string;
  /** Null: nothing to tell now, and no sample is given. */
  readonly read: (report: StatusReport) => number | null;
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
];

/** What is measured of this client. */
export interface Metrics {
  readonly registry: Registry;
  /** What is told of every answer; the routes are asked for at the first. */
  traffic(routes: () => readonly Route[]): Observe;
}

/** A registry of its own; the report is read at each scrape. */
export function createMetrics(report: () => StatusReport): Metrics {
  const registry = new Registry();
  watchProcess(registry);
  for (const { name, help, read } of READINGS) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read(report());
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
  return { registry, traffic: (routes) => createTraffic(registry, 'crypto_client_', routes) };
}
