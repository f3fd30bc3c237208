// docker-compose.yml: every container is restricted, no secret has a default, and all that names something else names what there is.
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { YAML } from 'bun';
import { SETTINGS as CLIENT } from '../client/config';
import { SETTINGS as SERVER } from '../server/config';

interface Service {
  readonly image: string;
  readonly build?: { readonly target: string };
  readonly user?: string;
  readonly profiles?: readonly string[];
  readonly depends_on?: Readonly<Record<string, object>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly networks:
    | readonly string[]
    | Readonly<Record<string, { readonly aliases?: string[]; readonly ipv4_address?: string }>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Network {
  readonly internal?: boolean;
  readonly ipam?: { readonly config: readonly [{ readonly subnet: string; readonly ip_range: string }] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, Network>>;
  readonly volumes: Readonly<Record<string, object>>;
}

interface Scrape {
  readonly job_name: string;
  readonly static_configs: readonly { readonly targets: readonly string[] }[];
  readonly dns_sd_configs?: readonly { readonly names: readonly string[]; readonly port: number }[];
}

const ROOT = join(import.meta.dir, '..');
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const COMPOSE = textOf('docker-compose.yml');
const { services, networks, volumes } = YAML.parse(COMPOSE) as Compose;
const DOCKERFILE = textOf('Dockerfile');
const PROGRAMS: Readonly<Record<string, object>> = { 'crypto-server': SERVER, 'crypto-client': CLIENT };
/** Names of settings that hold a secret, ours and those of the images. */
const SECRET = /SECRET|PASSWORD|TOKEN|KEY|^(DATABASE|REDIS)_URL$/;
const ALL = Object.entries(services);
const SERVERS = ALL.filter(([, { image }]) => image === 'crypto-server').map(([name]) => name);

const networksOf = (name: string): readonly string[] => {
  const { networks: joined = [] } = services[name] ?? {};
  return Array.isArray(joined) ? joined : Object.keys(joined);
};
const membersOf = (network: string) => Object.keys(services).filter((name) => networksOf(name).includes(network));
const inNetwork = (name: string, network: string) => {
  const { networks: joined = [] } = services[name] ?? {};
  return Array.isArray(joined)
    ? {}
    : ((joined as Record<string, { aliases?: string[]; ipv4_address?: string }>)[network] ?? {});
};
const share = (one: string, other: string) => networksOf(one).some((network) => networksOf(other).includes(network));
const numberOf = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const inRange = (address: string, range: string): boolean => {
  const [start = '', bits = ''] = range.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(start) / size);
};
const inProfile = (profile?: string) =>
  ALL.filter(([, { profiles = [] }]) => profiles.length === 0 || profiles.includes(profile ?? '')).map(
    ([name]) => name,
  );
/** Port at which our programs listen, as their image says. */
const portOf = (name: string) =>
  new RegExp(`AS ${services[name]?.image}\\n[\\s\\S]*?EXPOSE (\\d+)`).exec(DOCKERFILE)?.[1] ?? 'none';

describe('docker-compose.yml', () => {
  test('starts what the README says, and more by profiles only', () => {
    expect(inProfile()).toEqual(['postgres', 'crypto-server', 'crypto-client']);
    expect(inProfile('replicas').sort()).toEqual(
      [...inProfile(), 'crypto-server-2', 'crypto-server-3', 'balancer', 'redis'].sort(),
    );
    expect(inProfile('monitoring').sort()).toEqual([...inProfile(), 'prometheus', 'grafana'].sort());
    for (const [name, { profiles = [] }] of ALL)
      for (const needed of Object.keys(services[name]?.depends_on ?? {}))
        expect(inProfile(profiles[0])).toContain(needed);
  });

  test.each(ALL)(
    '%s is not root, without capabilities, with a root that it cannot write, and bounded',
    (_, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: 'unless-stopped',
      });
      expect(service).toMatchObject({
        mem_limit: expect.stringMatching(/^\d+[mg]$/),
        pids_limit: expect.any(Number),
        logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } },
      });
      expect(service).not.toHaveProperty('privileged');
      expect(service).not.toHaveProperty('cap_add');
      const [, user] = service.build === undefined ? ['', service.user] : (/^USER (\S+)$/m.exec(DOCKERFILE) ?? []);
      expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    },
  );

  test.each(ALL)('%s is a version that somebody chose, or built here', (_, { image, build }) => {
    if (build === undefined) expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?(-\w+)?$/);
    else expect(DOCKERFILE).toContain(` AS ${build.target}\n`);
  });

  test.each(ALL)('%s is asked how it is', (_, { build, healthcheck }) => {
    if (build === undefined) expect(healthcheck?.test.length).toBeGreaterThan(1);
    else expect(DOCKERFILE).toMatch(new RegExp(`HEALTHCHECK .*"/usr/local/bin/${build.target}", "healthcheck"`));
  });

  test('only this machine reaches the ports', () => {
    const ports = ALL.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+|\$\{\w+:-\d+\}):\d+$/);
  });

  test('two services of one profile never want the same port', () => {
    // What docs/containers.md puts into .env for the replicas.
    const [, port = ''] = /SERVER_PORT=(\d+)/.exec(textOf('docs/containers.md')) ?? [];
    const bound = ALL.flatMap(([, { ports = [] }]) => ports);
    const taken = bound.map((one) => one.replace(/\$\{SERVER_PORT:-\d+\}/, port));
    expect(new Set(taken.map((one) => one.split(':')[1])).size).toBe(taken.length);
  });

  test('what is mounted is there, and written in volumes only', () => {
    for (const [, { volumes: mounted = [] }] of ALL)
      for (const [source = '', target, mode] of mounted.map((one) => one.split(':'))) {
        if (target === undefined) continue;
        if (source.startsWith('./'))
          expect([source, existsSync(join(ROOT, source)), mode]).toEqual([source, true, 'ro']);
        else expect(Object.keys(volumes)).toContain(source);
      }
  });

  test('our programs are given settings that they know', () => {
    for (const [name, { image, environment }] of ALL.filter(([, { image }]) => image in PROGRAMS))
      for (const key of Object.keys(environment))
        expect([name, key, key in (PROGRAMS[image] ?? {})]).toEqual([name, key, true]);
  });

  test('no secret stands in it, and none has a default', () => {
    for (const [name, { environment }] of ALL.filter(([, { environment }]) => environment))
      for (const [key, value] of Object.entries(environment).filter(([key]) => SECRET.test(key)))
        expect([name, key, value.replace(/\$\{\w+:(\?[^}]+|-)\}/g, 'SECRET')]).toEqual([
          name,
          key,
          key === 'DATABASE_URL' ? 'postgres://crypto:SECRET@postgres:5432/crypto' : 'SECRET',
        ]);
  });

  test('the database and Redis are reached by the servers alone, and reach nothing', () => {
    for (const [store, network] of [
      ['postgres', 'database'],
      ['redis', 'memory'],
    ] as const) {
      expect(networksOf(store)).toEqual([network]);
      expect(membersOf(network).sort()).toEqual([store, ...SERVERS].sort());
      expect(networks[network]?.internal).toBe(true);
      expect(services[store]?.ports).toBeUndefined();
    }
  });

  test('whoever has a port for this machine is in a network that leads there', () => {
    for (const [name] of ALL.filter(([, { ports }]) => ports))
      expect(networksOf(name).some((network) => networks[network]?.internal !== true)).toBe(true);
  });

  test('every network and volume is declared, and used', () => {
    expect(new Set(ALL.flatMap(([name]) => networksOf(name)))).toEqual(new Set(Object.keys(networks)));
    const named = ALL.flatMap(([, { volumes: mounted = [] }]) => mounted.map((one) => one.split(':')[0] ?? ''));
    expect(new Set(named.filter((one) => !/^[./]/.test(one)))).toEqual(new Set(Object.keys(volumes)));
  });
});

describe('the profile replicas', () => {
  const { BIND: _, ...targets } = services['balancer']?.environment ?? {};

  test('balances between all servers, each by its name in the network where it trusts the balancer', () => {
    const aliases = SERVERS.map((name) => `${inNetwork(name, 'balanced').aliases?.[0]}:${portOf(name)}`);
    expect(Object.values(targets)).toEqual(aliases);
    expect(membersOf('balanced').sort()).toEqual(['balancer', ...SERVERS].sort());
    expect(networks['balanced']?.internal).toBe(true);
    const { ipv4_address } = inNetwork('balancer', 'balanced');
    for (const name of SERVERS) expect(services[name]?.environment['TRUSTED_PROXIES']).toBe(ipv4_address ?? 'none');
  });

  test('gives nobody else the address that is trusted', () => {
    const [{ subnet, ip_range }] = networks['balanced']?.ipam?.config ?? [{ subnet: '', ip_range: '' }];
    const trusted = inNetwork('balancer', 'balanced').ipv4_address ?? '';
    expect(inRange(trusted, subnet)).toBe(true);
    expect(inRange(trusted, ip_range)).toBe(false);
  });

  test('gives the balancer all that its configuration asks for', () => {
    const asked = [...textOf('deploy/haproxy/haproxy.cfg').matchAll(/"\$\{(\w+)\}"/g)].map(([, name]) => name);
    expect(asked).toEqual(Object.keys(services['balancer']?.environment ?? {}));
  });

  test('is told by the lines of the document, which name what is asked for', () => {
    const lines = /printf '%s\\n' ([\s\S]*?) >> \.env/.exec(textOf('docs/containers.md'))?.[1] ?? '';
    const told = [...lines.matchAll(/\b([A-Z_]+)=/g)].map(([, name = '']) => name);
    const optional = [...COMPOSE.matchAll(/(?<!\$)\$\{(\w+):-/g)].map(([, name = '']) => name);
    expect(new Set(told)).toEqual(new Set([...optional, 'COMPOSE_PROFILES']));
    // Redis takes the password out of the URL by what stands around it.
    const [, before, after] = /"REDIS_URL=(\S+?)\$\(openssl rand -hex 32\)(\S+)"/.exec(lines) ?? [];
    expect(COMPOSE).toContain(`password=$$\{REDIS_URL#${before}}\n`);
    expect(COMPOSE).toContain(`>$$\{password%${after}} `);
  });

  test('has servers that know the URL by which the client reaches them', () => {
    const { CRYPTO_SERVER_URL: url = '' } = services['crypto-client']?.environment ?? {};
    expect(url).toContain('crypto-server');
    for (const name of SERVERS) expect(services[name]?.environment['PUBLIC_URLS']).toBe(url);
  });

  test('has servers that differ in nothing but their names', () => {
    const [first] = SERVERS;
    for (const name of SERVERS) expect(services[name]?.environment).toEqual(services[first ?? '']?.environment ?? {});
  });

  test('gives Redis a user who may do what the document says, and nothing else', () => {
    const [, rights = ''] = /~crypto-server:\* (.*)/.exec(COMPOSE) ?? [];
    const [, told = ''] =
      /The user of Redis needs (.*), on keys `crypto-server:\*`/.exec(textOf('docs/redis.md')) ?? [];
    const named = [...told.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    expect(rights.split(' ').sort()).toEqual(named.map((name) => `+${name.toLowerCase()}`).sort());
    expect(COMPOSE).toMatch(/^ +user default on nopass nocommands \+ping$/m);
  });
});

describe('the profile monitoring', () => {
  const { scrape_configs } = YAML.parse(textOf('deploy/prometheus/prometheus.yml')) as {
    scrape_configs: readonly Scrape[];
  };

  test('asks every program at its port, over a network that it shares with Prometheus', () => {
    const asked = scrape_configs.flatMap(({ static_configs, dns_sd_configs = [] }) => [
      ...static_configs.flatMap(({ targets }) => targets),
      ...dns_sd_configs.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
    ]);
    const programs = ALL.filter(([, { image }]) => image in PROGRAMS).map(([name]) => name);
    expect(asked.sort()).toEqual(programs.map((name) => `${name}:${portOf(name)}`).sort());
    for (const name of programs) expect([name, share(name, 'prometheus')]).toEqual([name, true]);
    expect(networks['metrics']?.internal).toBe(true);
  });

  test('writes the secrets to where Prometheus reads them, in memory', () => {
    const files = [...textOf('deploy/prometheus/prometheus.yml').matchAll(/_file: (\S+?) /g)].map(
      ([, file = '']) => file,
    );
    expect(files.length).toBe(scrape_configs.length);
    for (const file of files) expect(COMPOSE).toMatch(new RegExp(`printf %s "\\$\\$\\w+" > ${file}\n`));
    expect(services['prometheus']?.tmpfs?.[0]).toMatch(/^\/run\/secrets:.*mode=0700$/);
  });

  test('has Grafana look where Prometheus and the dashboard are', () => {
    expect(textOf('deploy/grafana/provisioning/datasources/prometheus.yml')).toContain('http://prometheus:9090');
    expect(share('grafana', 'prometheus')).toBe(true);
    const [, folder = ''] = /path: (\S+)/.exec(textOf('deploy/grafana/provisioning/dashboards/crypto.yml')) ?? [];
    expect(services['grafana']?.volumes).toContain(`./deploy/grafana/crypto.json:${folder}/crypto.json:ro`);
  });
});

test('the command at its top makes every secret that is needed, once, for its owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'));
  const file = join(folder, '.env');
  try {
    const script = /^# {3}(\(umask[\s\S]*?done >> \.env\))$/m.exec(COMPOSE)?.[1]?.replaceAll('\n#', '\n') ?? '';
    const run = () => Bun.spawnSync(['sh', '-ec', script], { cwd: folder }).exitCode;
    expect(run()).toBe(0);
    const made = readFileSync(file, 'utf8');
    const needed = new Set([...COMPOSE.matchAll(/(?<!\$)\$\{(\w+):\?/g)].map(([, name = '']) => name));
    const lines = [...made.matchAll(/^(\w+)=([0-9a-f]{64})$/gm)];
    expect(new Set(lines.map(([, name = '']) => name))).toEqual(needed);
    expect(new Set(lines.map(([, , value]) => value)).size).toBe(needed.size);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Of an installation that is older than one of the names, the rest stays.
    Bun.spawnSync(['sed', '-i', '/^METRICS_TOKEN=/d', '.env'], { cwd: folder });
    expect(run()).toBe(0);
    const again = readFileSync(file, 'utf8');
    for (const line of made
      .trim()
      .split('\n')
      .filter((one) => !one.startsWith('METRICS_TOKEN=')))
      expect(again).toContain(line);
    expect(again.match(/^METRICS_TOKEN=/gm)).toHaveLength(1);
    expect(again.trim().split('\n')).toHaveLength(needed.size);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
