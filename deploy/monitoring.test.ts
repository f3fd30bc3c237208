// What operators are given to watch both programs, held against what these tell.
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { YAML } from 'bun';
import { metricsIn } from '../kit/testing';

const PROMETHEUS = join(import.meta.dir, 'prometheus');
const DOCUMENT = readFileSync(join(import.meta.dir, '../docs/metrics.md'), 'utf8');
const KNOWN = new Set([...metricsIn(DOCUMENT, 'crypto_server'), ...metricsIn(DOCUMENT, 'crypto_client')]);
const PROMTOOL = '/usr/bin/promtool';

interface Alert {
  readonly alert: string;
  readonly expr: string;
}

/** Names of our metrics in a text, without the endings of histograms. */
function named(text: string): string[] {
  const names = text.match(/\b(crypto_server|crypto_client|process)_\w+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
}

function alerts(): Alert[] {
  const { groups } = YAML.parse(readFileSync(join(PROMETHEUS, 'alerts.yml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

async function promtool(...args: string[]): Promise<{ readonly code: number; readonly words: string }> {
  const child = Bun.spawn([PROMTOOL, ...args], { cwd: PROMETHEUS, stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, words: out + err };
}

describe('monitoring', () => {
  test('every metric that an alert asks for is told', () => {
    const unknown = alerts()
      .flatMap(({ expr }) => named(expr))
      .filter((name) => !KNOWN.has(name));
    expect(unknown).toEqual([]);
  });

  test('every metric on the Grafana dashboard is told', () => {
    const dashboard = readFileSync(join(import.meta.dir, 'grafana/crypto.json'), 'utf8');
    const { panels } = JSON.parse(dashboard) as { readonly panels: readonly { readonly id: number }[] };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(named(dashboard).filter((name) => !KNOWN.has(name))).toEqual([]);
  });

  test('every alert is seen to fire, and to be quiet', () => {
    const tests = readFileSync(join(PROMETHEUS, 'alerts.test.yml'), 'utf8');
    const names = [...tests.matchAll(/- name: (\w+ (fires|is quiet))$/gm)].map(([, name]) => name);
    const wanted = alerts().flatMap(({ alert }) => [`${alert} fires`, `${alert} is quiet`]);
    expect(names).toEqual(wanted);
  });

  test('the runbook says of every alert what to do, in their order', () => {
    const runbook = readFileSync(join(import.meta.dir, '../docs/operate.md'), 'utf8');
    const rows = [...runbook.matchAll(/^\| `(Crypto\w+)` \| \S.* \| \S.* \|$/gm)].map(([, name]) => name);
    expect(rows).toEqual(alerts().map(({ alert }) => alert));
  });

  test('what Grafana is provisioned with is there', () => {
    for (const folder of ['datasources', 'dashboards'])
      for (const file of readdirSync(join(import.meta.dir, 'grafana/provisioning', folder)))
        expect(
          YAML.parse(readFileSync(join(import.meta.dir, 'grafana/provisioning', folder, file), 'utf8')),
        ).toMatchObject({ apiVersion: 1 });
  });
});

describe.skipIf(!existsSync(PROMTOOL))('promtool', () => {
  test.each([
    ['takes the rules', ['check', 'rules', 'alerts.yml']],
    ['sees each alert fire and stay quiet', ['test', 'rules', 'alerts.test.yml']],
    ['takes the configuration', ['check', 'config', '--syntax-only', 'prometheus.yml']],
  ])('%s', async (_, args) => {
    expect(await promtool(...args)).toMatchObject({ code: 0 });
  });
});
