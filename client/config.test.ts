import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ConfigFault } from '../kit/config';
import { readConfig, SETTINGS } from './config';

const read = (env: Record<string, string> = {}, flags: Record<string, string> = {}) =>
  readConfig({ env, flags, readFile: (path) => `content of ${path}` });

const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
  throw new Error('no fault was found');
};

test('with nothing set: one server and one client on this machine', () => {
  const { config, warnings } = read();
  expect(config).toEqual({
    host: '127.0.0.1',
    port: 8001,
    loopback: true,
    serverUrl: 'http://localhost:8000',
    serverUrls: ['http://localhost:8000'],
    issuer: 'http://localhost:8000',
    credential: null,
    appName: 'crypto-client',
    adminSecret: null,
    tls: null,
    ownCertificate: null,
    registrationToken: null,
    rotateSecretDays: null,
    dataDir: './data/client',
    vaultKey: null,
    vaultKeyPrevious: null,
    vaultPassphrase: null,
    fetchSeconds: 10,
    proxyTargets: null,
    dashboardPassword: null,
    logLevel: 'info',
    logFormat: 'json',
  });
  expect(warnings).toEqual([]);
  expect(Object.isFrozen(config)).toBe(true);
});

test.each([
  ['http://localhost:8000/', 'http://localhost:8000'],
  ['https://a.example/base/', 'https://a.example/base'],
  ['https://A.example', 'https://a.example'],
])('CRYPTO_SERVER_URL %p is %p', (given, expected) => {
  expect(read({ CRYPTO_SERVER_URL: given }).config.serverUrl).toBe(expected);
});

test('ISSUER is kept as it is written', () => {
  expect(read({ ISSUER: 'https://a.example/' }).config.issuer).toBe('https://a.example/');
});

test('several servers: each is used once, and the first is the issuer', () => {
  const { config, warnings } = read({ CRYPTO_SERVER_URL: 'https://a.example, https://b.example,https://a.example/' });
  expect(config.serverUrls).toEqual(['https://a.example', 'https://b.example']);
  expect(config.serverUrl).toBe('https://a.example');
  expect(config.issuer).toBe('https://a.example');
  expect(warnings).toEqual([]);
});

describe('warnings', () => {
  test.each([
    [{ CRYPTO_SERVER_URL: 'http://rates.example.com' }, 'https'],
    [{ CRYPTO_SERVER_URL: 'https://a.example,http://rates.example.com' }, 'https'],
    [{ HOST: '0.0.0.0' }, 'loopback'],
    [{ HOST: '0.0.0.0', DASHBOARD_PASSWORD: 'long-enough-for-this' }, 'plain http'],
    [{ PROXY_TARGETS: 'http://api.example.com' }, 'PROXY_TARGETS'],
    [{ DASHBOARD_PASSWORD: 'elevenchars' }, 'shorter than 12'],
  ])('for %p', (env, word) => {
    const { warnings } = read(env as unknown as Record<string, string>);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(word);
  });

  test('none for a client beyond loopback that serves https', () => {
    expect(read({ HOST: '0.0.0.0', TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k' }).warnings).toEqual([]);
  });
});

describe('faults', () => {
  test('certificate and key come together', () => {
    expect(faultsOf({ TLS_CERT_FILE: '/c' })).toEqual([
      'TLS_KEY_FILE is missing: TLS_CERT_FILE is set, set both or none',
    ]);
  });

  test('id and secret come together', () => {
    expect(faultsOf({ CLIENT_ID: 'a' })).toEqual(['CLIENT_SECRET is missing: CLIENT_ID is set, set both or none']);
    expect(faultsOf({ CLIENT_SECRET: 'a' })).toEqual(['CLIENT_ID is missing: CLIENT_SECRET is set, set both or none']);
  });

  test('are told all at once, and never a secret with them', () => {
    const faults = faultsOf({
      PORT: 'x',
      FETCH_SECONDS: '0',
      VAULT_KEY: 'my-short-key',
      CRYPTO_SERVER_URL: 'nowhere',
      CLIENT_ID: 'a b',
    });
    expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual([
      'CLIENT_ID',
      'CRYPTO_SERVER_URL',
      'FETCH_SECONDS',
      'PORT',
      'VAULT_KEY',
    ]);
    expect(faults.join()).not.toContain('my-short-key');
  });

  test.each([
    'ftp://a.example',
    'http://u:p@a.example',
    'https://a.example?x=1',
    'https://a.example#x',
    ',',
    'http://',
  ])('CRYPTO_SERVER_URL %p', (url) => {
    expect(faultsOf({ CRYPTO_SERVER_URL: url })).toHaveLength(1);
  });

  test('whatever is set, reading gives a record or tells faults', () => {
    const env = fc.dictionary(fc.constantFrom(...Object.keys(SETTINGS)), fc.string());
    fc.assert(
      fc.property(env, (given) => {
        try {
          expect(read(given).config.fetchSeconds).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigFault);
        }
      }),
    );
  });
});

test('secrets may be in files', () => {
  const { config } = read({ CLIENT_ID: 'a', CLIENT_SECRET_FILE: '/run/secret' });
  expect(config.credential).toEqual({ clientId: 'a', clientSecret: 'content of /run/secret' });
});
