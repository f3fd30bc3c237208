import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ConfigFault } from '../kit/config';
import { readConfig, SETTINGS } from './config';

const read = (env: Record<string, string>) => readConfig({ env, flags: {}, readFile: () => '' });
const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    read(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
};

describe('the configuration of crypto-server', () => {
  test('nothing set: loopback, port 8000, embedded database, open registration', () => {
    const { config, warnings } = read({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      loopback: true,
      issuer: null,
      databaseUrl: null,
      dataDir: './data/server',
      registration: 'open',
      accessTokenTtlSeconds: 7200,
      tickSeconds: 3,
      tickVolatility: 0.005,
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['a person reads it', {}, true, 'pretty'],
    ['a program reads it', {}, false, 'json'],
    ['it was chosen', { LOG_FORMAT: 'json' }, true, 'json'],
  ] as const)('the log, when %s', (_, env, terminal, format) => {
    const { config, derived } = readConfig({ env, flags: {}, readFile: () => '', terminal });
    expect([config.logFormat, derived.LOG_FORMAT]).toEqual([format, format]);
  });

  test.each([
    ['loopback HOST, no ISSUER', {}, 'open'],
    ['loopback HOST, loopback ISSUER', { ISSUER: 'http://localhost:8000' }, 'open'],
    ['loopback HOST, public ISSUER', { ISSUER: 'https://auth.example.com' }, 'admin'],
    ['any HOST, loopback ISSUER', { HOST: '0.0.0.0', ISSUER: 'http://localhost:8000' }, 'admin'],
    ['any HOST, told to be open', { HOST: '0.0.0.0', ISSUER: 'https://a.example', REGISTRATION: 'open' }, 'open'],
    ['loopback HOST, told to be closed', { REGISTRATION: 'closed' }, 'closed'],
  ])('registration with %s', (_name, env, mode) => {
    expect(read(env as unknown as Record<string, string>).config.registration).toBe(mode as 'open');
  });

  test('what is kept how long: seven days of ticks, ninety of short candles; these reach beyond the last 24 hours', () => {
    expect(read({}).config).toMatchObject({ retentionTicksMs: 7 * 86_400_000, retentionCandlesMs: 90 * 86_400_000 });
    const set = read({ RETENTION_TICKS: '36h', RETENTION_CANDLES: '48h' }).config;
    expect(set).toMatchObject({ retentionTicksMs: 36 * 3_600_000, retentionCandlesMs: 48 * 3_600_000 });
    expect(
      faultsOf({ RETENTION_TICKS: '0d', RETENTION_CANDLES: '47h' }).map((fault) => fault.split(/[: ]/)[0]),
    ).toEqual(['RETENTION_TICKS', 'RETENTION_CANDLES']);
  });

  test('ISSUER is required beyond loopback, and said together with every other fault', () => {
    const faults = faultsOf({ HOST: '0.0.0.0', PORT: 'x', TICK_SECONDS: '0', ADMIN_SECRET: 'short' });
    expect(faults.map((fault) => fault.split(/[: ]/)[0]).sort()).toEqual([
      'ADMIN_SECRET',
      'ISSUER',
      'PORT',
      'TICK_SECONDS',
    ]);
    expect(faults.join()).not.toContain('short');
  });

  test.each([
    ['ADMIN_SECRET', 'of 15 characters', 'fifteen letters'],
    ['ADMIN_SECRET', 'beyond ASCII', 'a price of 100 €, as if'],
    ['ADMIN_SECRET', 'of two lines', 'two lines of\na secret'],
    ['ADMIN_SECRET', 'with a space before', ' sixteen characters'],
    ['ADMIN_SECRET', 'with a space behind', 'sixteen characters '],
    ['ADMIN_SECRET', 'with a tab', 'sixteen\tcharacters'],
    ['ADMIN_SECRET', 'of 1,025 characters', 'x'.repeat(1_025)],
    ['METRICS_TOKEN', 'with a space', 'sixteen characters'],
    ['METRICS_TOKEN', 'with an equals sign inside', 'sixteen=characters'],
    ['METRICS_TOKEN', 'beyond ASCII', 'sixteen-characters-€'],
    ['METRICS_TOKEN', 'of five characters', 'short'],
  ])('%s %s cannot be sent in a header, and is said to be at fault, without the value', (name, _what, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name}: expected a (?:secret|token) of 16 to 1024 `))]);
    expect(faults.join()).not.toContain(value);
  });

  test.each([
    ['ADMIN_SECRET', 'correct horse, battery staple!'],
    ['METRICS_TOKEN', 'aA0-._~+/characters=='],
  ])('%s=%j can', (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([]);
  });

  test.each([
    'auth.example.com',
    'ftp://auth.example.com',
    'https://auth.example.com/path',
    'https://auth.example.com?x=1',
    'https://auth.example.com#x',
    'https://user:password@auth.example.com',
  ])('%s is no issuer', (ISSUER) => {
    expect(faultsOf({ ISSUER })).toHaveLength(1);
  });

  test('an issuer is kept without a slash at its end, as tokens will carry it', () => {
    expect(read({ ISSUER: 'https://auth.example.com/' }).config.issuer).toBe('https://auth.example.com');
  });

  test('plain http beyond this machine is warned of, for the issuer and for each public URL', () => {
    const { warnings } = read({
      ISSUER: 'http://auth.example.com',
      PUBLIC_URLS: 'http://a.example,https://b.example,http://127.0.0.1:1',
    });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain('http://auth.example.com');
    expect(warnings.join()).toContain('http://a.example');
  });

  test('registration that is open beyond this machine is warned of', () => {
    expect(read({ HOST: '0.0.0.0', ISSUER: 'https://a.example', REGISTRATION: 'open' }).warnings.join()).toContain(
      'REGISTRATION',
    );
    expect(read({ HOST: '0.0.0.0', ISSUER: 'https://a.example' }).warnings).toEqual([]);
  });

  test('with https the issuer of this machine is https, and one that is not is refused', () => {
    const files = { TLS_CERT_FILE: '/c', TLS_KEY_FILE: '/k' };
    expect(read(files).derived.ISSUER).toBe('https://localhost:8000');
    expect(read(files).config.tls).toEqual({ certFile: '/c', keyFile: '/k', clientCaFile: null });
    expect(faultsOf({ ...files, ISSUER: 'http://localhost:8000' })).toEqual([
      'ISSUER is http://localhost:8000, and with TLS_CERT_FILE the server answers https alone: write https',
    ]);
    expect(faultsOf({ TLS_KEY_FILE: '/k' })).toEqual([
      'TLS_CERT_FILE is missing: TLS_KEY_FILE is set, set both or none',
    ]);
  });

  test('a source of prices that is not known is refused, with those that are', () => {
    expect(faultsOf({ RATE_SOURCE: 'mtgox' })).toEqual([
      'RATE_SOURCE: expected one of simulation, coinbase, got "mtgox" (environment)',
    ]);
  });

  test('what was set of the simulation is warned of beside an exchange, and not without one', () => {
    const simulated = { RATE_SEED: 'a', TICK_VOLATILITY: '0.01' };
    expect(read(simulated).warnings).toEqual([]);
    expect(read({ RATE_SOURCE: 'coinbase' }).warnings).toEqual([]);
    expect(read({ RATE_SOURCE: 'coinbase', ...simulated }).warnings).toEqual([
      'TICK_VOLATILITY is set but of the simulation alone, and RATE_SOURCE is coinbase',
      'RATE_SEED is set but of the simulation alone, and RATE_SOURCE is coinbase',
    ]);
  });

  test.each([
    ['http://localhost:4318', 'http://localhost:4318'],
    ['https://collector.example/otlp/', 'https://collector.example/otlp'],
  ])('OTEL_EXPORTER_OTLP_ENDPOINT %s', (given, otlpEndpoint) => {
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: given })).toMatchObject({ config: { otlpEndpoint }, warnings: [] });
  });

  test.each(['localhost:4318', 'ftp://a', 'http://user:password@a', 'http://a?x=1'])(
    'OTEL_EXPORTER_OTLP_ENDPOINT %s is a fault',
    (given) => {
      const [fault] = faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: given });
      expect(fault).toStartWith('OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://localhost:4318');
    },
  );

  test.each([
    'redis://cache',
    'redis://cache:6380',
    'redis://:password@cache/0',
    'rediss://user:password@[::1]:6380/15',
  ])('REDIS_URL %s', (REDIS_URL) => {
    expect(read({ REDIS_URL })).toMatchObject({ config: { redisUrl: REDIS_URL }, warnings: [] });
  });

  test.each([
    'cache:6379',
    'http://cache',
    'redis:///0',
    'redis://cache/zero',
    'redis://cache?db=0',
    'redis://a cache',
    'redis://hidden-word@cache:port',
  ])('REDIS_URL %s is a fault, and not shown', (REDIS_URL) => {
    const faults = faultsOf({ REDIS_URL });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toStartWith('REDIS_URL: expected a URL such as redis://');
    expect(faults[0]).not.toContain('hidden-word');
  });

  test.each([
    ['sslmode=verify_full', 'with an sslmode of disable, allow,'],
    ['sslmode=verify-full&sslrootcert=/ca.pem', 'without sslrootcert (docs/tls.md)'],
    ['sslmode=require&channel_binding=require', 'without channel_binding (docs/tls.md)'],
  ])('DATABASE_URL with ?%s is a fault: what is not known would go unheard, or to PostgreSQL', (query, expected) => {
    const faults = faultsOf({ DATABASE_URL: `postgres://crypto:hidden-word@db.example/crypto?${query}` });
    expect(faults).toEqual([expect.stringContaining(expected)]);
    expect(faults[0]).not.toContain('hidden-word');
  });

  test.each(['sslmode=verify-full', 'sslmode=disable', 'search_path=crypto'])('DATABASE_URL with ?%s', (query) => {
    const DATABASE_URL = `postgres://crypto@db.example/crypto?${query}`;
    expect(read({ DATABASE_URL }).config.databaseUrl).toBe(DATABASE_URL);
  });

  test('whatever stands in the environment, it is a configuration or a list of faults that names each variable', () => {
    const names = fc.constantFrom(...Object.keys(SETTINGS));
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(fc.string(), fc.webUrl(), fc.integer().map(String))), (env) => {
        for (const fault of faultsOf(env))
          expect(Object.keys(SETTINGS).some((name) => fault.startsWith(name))).toBe(true);
      }),
    );
  });
});
