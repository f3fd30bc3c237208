import { afterEach, describe, expect, test } from 'bun:test';
import { TokenError } from '../auth/token';
import { accountOf, createTestClient, type TestClient, type TestClientOptions } from '../testing/client';
import { thrown } from '../testing/world';
import { openVault } from '../vault/vault';
import { createCredentialStore } from './store';

let client: TestClient;

const create = (options?: TestClientOptions): TestClient => {
  client = createTestClient(options);
  return client;
};

afterEach(() => client.end());

const keptBy = ({ config }: Pick<TestClient, 'config'>) => {
  const vault = openVault({
    folder: config.dataDir,
    key: null,
    previousKey: null,
    randomBytes: () => new Uint8Array(32),
  });
  try {
    return createCredentialStore(vault).read('default');
  } finally {
    vault.close();
  }
};
const secretOf = (kept: ReturnType<typeof keptBy>): string => kept?.secrets[0]?.value ?? 'none';

describe('a client that nobody has configured', () => {
  test('makes its own credential, registers it and obtains a token', async () => {
    const { services, double } = create();
    const { value } = await accountOf(services).token();
    expect(value).toStartWith('e30.');
    expect(double.seen).toEqual([
      'GET /.well-known/oauth-authorization-server',
      'POST /api/auth/register',
      'POST /api/auth/token',
    ]);
    expect(accountOf(services).active()).toMatchObject({
      origin: 'self-made',
      registered: true,
      appName: 'crypto-client',
    });
  });

  test('has stored the credential before the server hears of it', async () => {
    let stored: string | null | undefined;
    const options = {
      registration: () => {
        stored = keptBy(client)?.clientId;
        return null;
      },
    };
    const { services } = create({ double: options });
    await accountOf(services).token();
    expect(stored as string).toBe(accountOf(services).active().clientId);
  });

  test('goes on with the same one after a restart, without registering it again', async () => {
    const first = create();
    await accountOf(first.services).token();
    const { clientId } = accountOf(first.services).active();
    first.double.seen.length = 0;
    const second = first.restart();
    await accountOf(second.services).token();
    expect(accountOf(second.services).active()).toMatchObject({ clientId, registered: true });
    expect(second.double.seen).not.toContain('POST /api/auth/register');
    second.services.close();
  });

  test('that dies between the registration and its note of it finds its id taken and just goes on', async () => {
    const first = create();
    const { clientId } = accountOf(first.services).active();
    first.double.clients.set(clientId, secretOf(keptBy(first)));
    expect((await accountOf(first.services).token()).value).toStartWith('e30.');
    expect(accountOf(first.services).active().registered).toBe(true);
  });

  test('and is forgotten by its server registers again, once', async () => {
    const { services, double, restart } = create();
    await accountOf(services).token();
    double.clients.clear();
    double.seen.length = 0;
    client.world.stepWallClock(7_201_000);
    const again = restart();
    await accountOf(again.services).token();
    expect(double.seen.filter((line) => line === 'POST /api/auth/register')).toHaveLength(1);
    again.services.close();
  });

  test('and is still refused after that reports and backs off', async () => {
    const { services, double, restart } = create();
    await accountOf(services).token();
    double.clients.set(accountOf(services).active().clientId, 'another secret');
    double.seen.length = 0;
    client.world.stepWallClock(7_201_000);
    const again = restart();
    const error = await thrown(accountOf(again.services).token(), TokenError);
    const { clientId } = accountOf(again.services).active();
    expect(error.trouble).toEqual({ kind: 'own_refused', clientId });
    expect(error.message).toContain(clientId);
    expect(error.message).toContain('To begin anew, take it away');
    expect(again.logged.filter((line) => /"info".*registered before/.test(line))).toEqual([]);
    expect(error.nextAttemptAtMs).not.toBeNull();
    await client.world.pass(10_000);
    expect(double.seen.filter((line) => line === 'POST /api/auth/register')).toHaveLength(1);
    again.services.close();
  });

  test('is told what to set when registration is not open', async () => {
    const registration = () => Response.json({ detail: 'administrators only' }, { status: 403 });
    const { services, double } = create({ double: { registration } });
    const { message } = await thrown(accountOf(services).token(), TokenError);
    expect(message).toContain('administrators only');
    expect(message).toContain('ADMIN_SECRET');
    expect(double.tokenRequests).toEqual([]);
  });

  test('sends ADMIN_SECRET with the registration and stores it nowhere', async () => {
    const { services, double, logged, config } = create({ env: { ADMIN_SECRET: 'the-admin-secret' } });
    await accountOf(services).token();
    expect(double.adminSecrets).toEqual(['the-admin-secret']);
    expect(JSON.stringify(keptBy({ config }))).not.toContain('the-admin-secret');
    expect(logged.join()).not.toContain('the-admin-secret');
  });
});

describe('a server on which clients register by RFC 7591 alone', () => {
  const options = { double: { standard: true }, env: { REGISTRATION_TOKEN: 'initial-token' } };

  test('gives id and secret, which are kept and used from then on', async () => {
    const { services, double, logged, restart } = create(options);
    await accountOf(services).token();
    expect(accountOf(services).active()).toMatchObject({ clientId: 'given-1', origin: 'self-made', registered: true });
    expect(services.credentials.get(null).view(true).secret?.expires_at).toBe('2026-01-02T00:00:00.000Z');
    client.world.stepWallClock(7_201_000);
    const again = restart();
    await accountOf(again.services).token();
    expect(double.seen.filter((line) => line.includes('/connect/register'))).toHaveLength(1);
    expect(logged.join()).not.toMatch(/secret of|manages|initial-token/);
    again.services.close();
  });

  test('that admits nobody tells what to set', async () => {
    const { services } = create({ double: { standard: true } });
    const { message } = await thrown(accountOf(services).token(), TokenError);
    expect(message).toContain('REGISTRATION_TOKEN');
  });
});

describe('a credential from the environment', () => {
  const env = { CLIENT_ID: 'my-machine', CLIENT_SECRET: 'p:ss w%rd+ü' };

  test('is used as it is, without a registration or a vault', async () => {
    const { services, double } = create({ env: { ...env, DATA_DIR: '/proc/nowhere' } });
    double.clients.set('my-machine', 'p:ss w%rd+ü');
    await accountOf(services).token();
    expect(double.seen).not.toContain('POST /api/auth/register');
    expect(accountOf(services).active().origin).toBe('environment');
  });

  test('counts as registered once it has obtained a token', async () => {
    const { services, double } = create({ env });
    double.clients.set('my-machine', 'p:ss w%rd+ü');
    expect(accountOf(services).active().registered).toBe(false);
    await accountOf(services).token();
    expect(accountOf(services).active().registered).toBe(true);
  });

  test('is registered on demand', async () => {
    const { services, double } = create({ env: { ...env, DATA_DIR: '/proc/nowhere' } });
    expect((await accountOf(services).register()).existing).toBe(false);
    expect((await accountOf(services).register()).existing).toBe(true);
    expect(double.clients.get('my-machine')).toBe('p:ss w%rd+ü');
  });

  test('that the server does not know is not registered by itself', async () => {
    const { services, double } = create({ env });
    await thrown(accountOf(services).token(), TokenError);
    expect(double.seen).not.toContain('POST /api/auth/register');
  });
});

describe('a server without metadata', () => {
  test('gets the JSON token request; `bearer` and a missing expires_in are understood', async () => {
    const { services, double, world } = create({ double: { modern: false, lifeSeconds: 600 } });
    const token = await accountOf(services).token();
    expect(token.expiresAtMs).toBe(world.clock.now() + 600_000);
    expect(double.tokenRequests[0]).toMatchObject({ authorization: null, type: 'application/json' });
  });

  test('is asked for a new token when it no longer knows the old one', async () => {
    const { services, double, world } = create({ double: { modern: false } });
    await services.feed.refresh();
    double.revokeAll();
    await world.pass(2_000);
    const { outage } = await services.feed.refresh();
    expect(outage).toBeNull();
    expect(double.tokenRequests).toHaveLength(2);
  });
});

test('neither secrets nor tokens are in any log line', async () => {
  const { services, double, logged, world, config } = create();
  await services.feed.refresh();
  double.revokeAll();
  double.clients.clear();
  await world.pass(20_000);
  await services.feed.refresh();
  const secret = secretOf(keptBy({ config }));
  const text = logged.join('\n');
  expect(logged.length).toBeGreaterThan(3);
  expect(text).not.toContain(secret);
  expect(text).not.toContain('e30.');
});
