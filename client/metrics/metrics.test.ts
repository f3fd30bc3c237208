import { afterEach, beforeEach, expect, test } from 'bun:test';
import { join } from 'node:path';
import { metricsIn } from '../../kit/testing';
import { createReport } from '../status/report';
import { createTestClient, type TestClient } from '../testing/client';
import { createMetrics, type Metrics } from './index';

let client: TestClient;

beforeEach(() => {
  client = createTestClient();
});
afterEach(() => client.end());

/** @param certificateEndsMs null: plain http. */
function metricsOf(certificateEndsMs: number | null = null): Metrics {
  const { services, world } = client;
  const report = createReport({ ...services, version: '0' });
  return createMetrics({ report, counts: services.counts, certificateEndsMs: () => certificateEndsMs, ...world });
}

async function read(metrics = metricsOf()): Promise<Record<string, string>> {
  const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^\w/.test(line));
  return Object.fromEntries(lines.filter((line) => line.startsWith('crypto_client_')).map((line) => line.split(' ')));
}

test('before the first fetch there is no token, no age and nothing else to tell', async () => {
  expect(await read()).toEqual({
    crypto_client_token_live: '0',
    crypto_client_renewal_failing: '0',
    crypto_client_rotation_failing: '0',
    crypto_client_server_up: '0',
    crypto_client_servers_up: '0',
    crypto_client_stream_live: '0',
    crypto_client_rates: '0',
    'crypto_client_server_ok{server="http://localhost:8000"}': '0',
    'crypto_client_token_requests_total{result="granted"}': '0',
    'crypto_client_token_requests_total{result="failed"}': '0',
    'crypto_client_secret_rotations_total{result="rotated"}': '0',
    'crypto_client_secret_rotations_total{result="failed"}': '0',
  });
});

test('the state is read at each scrape', async () => {
  await client.ask('/api/currencies');
  expect(await read()).toMatchObject({
    crypto_client_token_live: '1',
    crypto_client_server_up: '1',
    crypto_client_servers_up: '1',
    crypto_client_stream_live: '0',
    'crypto_client_server_ok{server="http://localhost:8000"}': '1',
    'crypto_client_token_requests_total{result="granted"}': '1',
  });
  client.double.down = true;
  await client.world.pass(42_000);
  await client.ask('/api/currencies');
  expect(await read()).toMatchObject({ crypto_client_server_up: '0', crypto_client_rates_age_seconds: '42' });
});

test('it is told how long the certificate lasts, also beyond its end', async () => {
  const metrics = metricsOf(client.world.clock.now() + 42_000);
  expect(await read(metrics)).toMatchObject({ crypto_client_certificate_expiry_seconds: '42' });
  await client.world.pass(43_000);
  expect(await read(metrics)).toMatchObject({ crypto_client_certificate_expiry_seconds: '-1' });
});

test('every metric stands in docs/metrics.md, and no other', async () => {
  const { registry, traffic } = metricsOf();
  traffic(() => []);
  const text = await registry.metrics();
  const names = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
  const written = await Bun.file(join(import.meta.dir, '../../docs/metrics.md')).text();
  expect(metricsIn(written, 'crypto_client')).toEqual(names.sort());
});
