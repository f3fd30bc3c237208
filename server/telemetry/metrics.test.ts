// What /metrics shows of a server.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eachDatabase } from '../../db/testing';
import { metricsIn } from '../../kit/testing';
import { ADMIN_SECRET, form, json, startTestServer, type TestServer } from '../testing';
import { createMetrics } from './metrics';

const TOKEN = 'the-metrics-token-of-tests';
const ELSEWHERE = { 'x-forwarded-for': '192.0.2.1' };

eachDatabase('/metrics', (open) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(await open(), { settings: { metricsToken: TOKEN } });
  });
  afterAll(() => server.close());

  test('shows refusals by event and reason, and the audit trail', async () => {
    await server.register();
    await server.ask('/api/auth/token', json({ client_id: 'nobody', client_secret: 'x'.repeat(20) }));
    await server.read('/api/currency/', 'nonsense');
    await server.services.audit.flush();
    const text = await (await server.ask('/metrics')).text();
    for (const line of [
      'crypto_server_refusals_total{event="client_authentication",reason="client_unknown"} 1',
      'crypto_server_refusals_total{event="resource_access",reason="token_malformed"} 1',
      'crypto_server_audit_queue_length 0',
      'crypto_server_audit_events_lost_total 0',
      `crypto_server_audit_head_seq ${server.services.audit.state().headSeq}`,
      'crypto_server_audit_intact 1',
      'crypto_server_database_reachable 1',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toContain('crypto_server_signing_keys{state="active"} 1\n');
    expect(text).toContain('crypto_server_signing_keys{state="next"} 1\n');
    expect(server.services.audit.state().headSeq).toBeGreaterThanOrEqual(3);
  });

  test('shows how long the key has signed that does', async () => {
    const age = async (): Promise<number> => {
      const text = await (await server.ask('/metrics')).text();
      return Number(/^crypto_server_signing_key_age_seconds (\S+)$/m.exec(text)?.[1]);
    };
    const before = await age();
    server.pass(60_000);
    expect((await age()) - before).toBe(60);
  });

  test('every metric stands in docs/metrics.md, and no other', async () => {
    const text = await (await server.ask('/metrics')).text();
    const names = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
    const written = await Bun.file(join(import.meta.dir, '../../docs/metrics.md')).text();
    expect(metricsIn(written, 'crypto_server')).toEqual(names.sort());
  });

  test('shows secrets by state, and how long until the next one ends', async () => {
    const client = await server.register();
    const headers = { 'x-admin-secret': ADMIN_SECRET, 'content-type': 'application/json' };
    const body = { expires_in_seconds: 3_600, overlap_seconds: null };
    await server.ask(`/api/admin/clients/${client.id}/secrets`, { ...json(body), headers });
    await server.services.maintenance.run();
    server.pass(60_000);
    const text = await (await server.ask('/metrics')).text();
    expect(text).toContain('crypto_server_client_secrets{state="live"} 2\n');
    expect(text).toContain('crypto_server_client_secrets{state="ending"} 1\n');
    expect(text).toContain('crypto_server_client_secret_next_expiry_seconds 3540\n');
  });

  test('shows revoked and remembered tokens', async () => {
    const client = await server.register();
    const token = await server.token(client);
    expect((await server.read('/api/currency/', token)).status).toBe(200);
    await server.ask('/api/auth/revoke', form({ token, client_id: client.id, client_secret: client.secret }));
    const text = await (await server.ask('/metrics')).text();
    expect(text).toContain('crypto_server_revoked_tokens_held 1\n');
    expect(text).toMatch(/^crypto_server_remembered_tokens [1-9]/m);
    expect(text).toMatch(/^crypto_server_tokens_issued_total\{method="client_secret_post"\} [1-9]/m);
  });

  test('shows tokens that were refused, by how the client tried to authenticate and what it was told', async () => {
    const { id, secret } = await server.register();
    const ask = (parameters: Record<string, string>) => server.ask('/api/auth/token', form(parameters));
    const grant = { grant_type: 'client_credentials' };
    await ask({ ...grant, client_id: id, client_secret: `${secret}x` });
    await ask({ ...grant, client_id: id, client_secret: secret, scope: 'unknown' });
    await ask({ ...grant });
    await ask({ grant_type: 'password' });
    const text = await (await server.ask('/metrics')).text();
    for (const labels of [
      'method="client_secret_post",error="invalid_client"',
      'method="client_secret_post",error="invalid_scope"',
      'method="none",error="invalid_client"',
      'method="none",error="unsupported_grant_type"',
    ])
      expect(text).toMatch(new RegExp(`^crypto_server_tokens_refused_total\\{${labels}\\} [1-9]`, 'm'));
  });

  test('is there for this machine, and from elsewhere with the token alone', async () => {
    const status = async (headers: Record<string, string>) => (await server.ask('/metrics', { headers })).status;
    expect(await status({})).toBe(200);
    expect(await status(ELSEWHERE)).toBe(401);
    expect(await status({ ...ELSEWHERE, authorization: 'Bearer wrong' })).toBe(401);
    expect(await status({ ...ELSEWHERE, authorization: `Bearer ${TOKEN}` })).toBe(200);
  });

  test('shows requests by route, method and status, tokens by how they were read, and the tick', async () => {
    const other = await startTestServer(await open());
    const token = await other.token(await other.register());
    for (let times = 0; times < 3; times++) await other.read('/api/currency/btc', token);
    await other.read('/api/currency/btc', `${token}x`);
    await other.services.ticker.tick();
    other.pass(7_000);
    const text = await (await other.ask('/metrics')).text();
    const requests = 'crypto_server_http_requests_total{route="/api/currency/:symbol",method="GET"';
    for (const line of [
      `${requests},status="200"} 3`,
      `${requests},status="401"} 1`,
      'crypto_server_http_request_duration_seconds_count{route="/api/currency/:symbol",method="GET"} 4',
      'crypto_server_ticks_total 1',
      `crypto_server_rates_seq ${other.services.feed.snapshot().seq}`,
      'crypto_server_rates_age_seconds 7',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).toMatch(/^crypto_server_token_readings_total\{result="remembered"\} 2$/m);
    expect(text).toMatch(/^crypto_server_token_readings_total\{result="verified"\} 1$/m);
    expect(text).toMatch(/^crypto_server_token_readings_total\{result="refused"\} 1$/m);
    await other.close();
  });
});

describe('metrics', () => {
  const refusal = (event: string, reason: string) => ({ event, outcome: 'failure', reason }) as const;

  test('have a bounded number of series, whatever the reasons, and no text of a caller', async () => {
    const metrics = createMetrics('1.2.3');
    for (const at of Array(10_000).keys()) metrics.told(refusal('oauth_request', `reason_${at}`));
    metrics.told(refusal('oauth_request', 'The parameter "x" is repeated.'));
    metrics.told(refusal('Bearer secret', 'a'));
    const text = await metrics.registry.metrics();
    expect(text.split('\n').length).toBeLessThan(300);
    expect(text).not.toMatch(/repeated\.|secret/);
    expect(text).toContain('crypto_server_refusals_total{event="other",reason="other"} ');
    const counted = [...text.matchAll(/^crypto_server_refusals_total\{.*\} (\d+)$/gm)].map(([, count]) =>
      Number(count),
    );
    expect(counted.reduce((sum, count) => sum + count)).toBe(10_002);
  });

  test('count tokens by method and show what is watched; what is not known is not shown', async () => {
    const metrics = createMetrics('1.2.3');
    metrics.issued('client_secret_basic');
    metrics.issued('client_secret_basic');
    metrics.issued('private_key_jwt');
    let expiry: number | null = null;
    metrics.watch('client_secrets', () => ({ live: 3, ended: 1 }));
    metrics.watch('client_secret_next_expiry_seconds', () => expiry);
    const text = () => metrics.registry.metrics();
    expect(await text()).toContain('crypto_server_tokens_issued_total{method="client_secret_basic"} 2\n');
    expect(await text()).toContain('crypto_server_tokens_issued_total{method="private_key_jwt"} 1\n');
    expect(await text()).toContain('crypto_server_client_secrets{state="live"} 3\n');
    expect(await text()).toContain('crypto_server_info{version="1.2.3"} 1\n');
    expect(await text()).not.toMatch(/^crypto_server_client_secret_next_expiry_seconds/m);
    expiry = 60;
    expect(await text()).toContain('crypto_server_client_secret_next_expiry_seconds 60\n');
  });
});
