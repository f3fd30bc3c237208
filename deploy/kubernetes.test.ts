// The Kubernetes files: selectors, ports, probes, names and settings meet, and every pod is restricted.
import { describe, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { SETTINGS as CLIENT } from '../client/config';
import { MIGRATION_DEADLINE_MS } from '../db/connect';
import { healthRoutes } from '../kit/http/health';
import { version } from '../package.json';
import { SETTINGS as SERVER } from '../server/config';
import { type Manifest, type Overlay, readOverlay } from './testing-kustomize';

const ROOT = join(import.meta.dir, 'kubernetes');
const SETTINGS: Readonly<Record<string, object>> = { 'crypto-server': SERVER, 'crypto-client': CLIENT };
const HEALTH = healthRoutes({ service: 'crypto-server', serving: () => true, dependencies: [] });

const ofKind = ({ objects }: Overlay, ...kinds: string[]) => objects.filter(({ kind }) => kinds.includes(kind));
const workloads = (overlay: Overlay) => ofKind(overlay, 'Deployment', 'StatefulSet');
const containerOf = (workload: Manifest): Manifest => workload['spec'].template.spec.containers[0];
const fits = (selector: Manifest, labels: Manifest): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);
const podsOf = (overlay: Overlay, selector: Manifest) =>
  workloads(overlay).filter(({ spec }) => fits(selector, spec.template.metadata.labels));
const portNames = (workload: Manifest): string[] => containerOf(workload)['ports'].map(({ name }: Manifest) => name);
const made = (text: string): string[] => [...text.matchAll(/^(\w+)=\S+$/gm)].map(([, name = '']) => name);

describe.each(['development', 'production'])('the overlay %s', (name) => {
  const overlay = readOverlay(join(ROOT, 'overlays', name));

  test('has each object once, in its namespace', () => {
    const names = overlay.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('Namespace crypto');
  });

  test('each workload selects its own pods, and each service leads to a port of one', () => {
    for (const workload of workloads(overlay))
      expect(podsOf(overlay, workload['spec'].selector.matchLabels)).toEqual([workload]);
    for (const { spec } of ofKind(overlay, 'Service')) {
      const [pod, ...others] = podsOf(overlay, spec.selector);
      expect(others).toEqual([]);
      for (const { targetPort } of spec.ports) expect(portNames(pod ?? {})).toContain(targetPort);
    }
  });

  test('probes ask for paths that the programs answer, at a port that they have', () => {
    const paths = HEALTH.routes.map(({ path }) => path);
    for (const workload of workloads(overlay)) {
      const container = containerOf(workload);
      const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((kind) => container[kind]).filter(Boolean);
      expect(probes.length).toBeGreaterThanOrEqual(2);
      for (const { httpGet, tcpSocket } of probes) {
        const asked = httpGet ?? tcpSocket;
        if (asked !== undefined) expect(portNames(workload)).toContain(asked.port);
        if (httpGet !== undefined) expect(paths).toContain(httpGet.path);
      }
    }
  });

  test('autoscaler, disruption budget, policies and ingress name what there is', () => {
    for (const { spec } of ofKind(overlay, 'HorizontalPodAutoscaler')) {
      expect(workloads(overlay).map(({ kind, metadata }) => [kind, metadata.name])).toContainEqual([
        spec.scaleTargetRef.kind,
        spec.scaleTargetRef.name,
      ]);
      expect(spec.minReplicas).toBeLessThanOrEqual(spec.maxReplicas);
    }
    for (const { spec } of ofKind(overlay, 'PodDisruptionBudget'))
      expect(podsOf(overlay, spec.selector.matchLabels).length).toBe(1);
    for (const { spec } of ofKind(overlay, 'NetworkPolicy')) {
      const pods = podsOf(overlay, spec.podSelector.matchLabels ?? {});
      expect(pods.length).toBeGreaterThan(0);
      const ports = (spec.ingress ?? []).flatMap((rule: Manifest) => rule['ports'].map(({ port }: Manifest) => port));
      for (const pod of pods) for (const port of ports) expect(portNames(pod)).toContain(port);
    }
    for (const { spec } of ofKind(overlay, 'Ingress')) {
      const { name: service, port } = spec.rules[0].http.paths[0].backend.service;
      const found = ofKind(overlay, 'Service').find(({ metadata }) => metadata.name === service);
      expect(found?.['spec'].ports.map(({ name: one }: Manifest) => one)).toContain(port.name);
      expect(spec.tls[0].hosts).toEqual([spec.rules[0].host]);
      for (const program of [service, 'crypto-client'])
        expect(overlay.maps.get(program)?.get('ISSUER')).toBe(`https://${spec.rules[0].host}`);
    }
  });

  test('every pod is restricted', () => {
    for (const { metadata, spec } of workloads(overlay)) {
      const pod = spec.template.spec;
      expect([metadata.name, pod.automountServiceAccountToken]).toEqual([metadata.name, false]);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
      for (const { securityContext, resources } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources).toMatchObject({
          requests: { cpu: expect.anything() },
          limits: { memory: expect.anything() },
        });
      }
    }
  });

  test.each(['crypto-server', 'crypto-client'])(
    '%s is given settings that it knows, secrets from a Secret only',
    (program) => {
      const workload = workloads(overlay).find(({ metadata }) => metadata.name === program) ?? {};
      const { env, envFrom, image } = containerOf(workload);
      const known = SETTINGS[program] ?? {};
      expect(envFrom).toEqual([{ configMapRef: { name: program } }]);
      for (const [key, value] of overlay.maps.get(program) ?? []) {
        expect([key, key in known]).toEqual([key, true]);
        expect(value).not.toBe('');
      }
      for (const { name: key, value, valueFrom } of env) {
        expect([key, key in known]).toEqual([key, true]);
        if (value === undefined) expect(valueFrom.secretKeyRef).toMatchObject({ name: program, key });
      }
      expect(overlay.images).toContainEqual({ name: image, newTag: version });
    },
  );
});

test('a pod that migrates is left the time that a migration may take', () => {
  const server = workloads(readOverlay(join(ROOT, 'base'))).find(({ metadata }) => metadata.name === 'crypto-server');
  const { periodSeconds, failureThreshold } = containerOf(server ?? {})['startupProbe'];
  expect(periodSeconds * failureThreshold * 1_000).toBeGreaterThan(MIGRATION_DEADLINE_MS);
});

test('a replica is added when the others are as full as docs/scale.md counts them', () => {
  const [scaler] = ofKind(readOverlay(join(ROOT, 'base')), 'HorizontalPodAutoscaler');
  const [, cores] = /1,000,000 \/ (0\.\d+)/.exec(readFileSync(join(ROOT, '../../docs/scale.md'), 'utf8')) ?? [];
  expect(scaler?.['spec'].metrics[0].resource.target.averageValue).toBe(`${Number(cores) * 1_000}m`);
});

test('what docs/upgrade.md patches for a release that migrates leaves nothing of a rolling update', () => {
  const [, patches = ''] =
    /```yaml\n(patches:.*?)```/s.exec(readFileSync(join(ROOT, '../../docs/upgrade.md'), 'utf8')) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
  try {
    const production = relative(folder, join(ROOT, 'overlays/production'));
    writeFileSync(join(folder, 'kustomization.yaml'), `resources: [${production}]\n${patches}`);
    const server = workloads(readOverlay(folder)).find(({ metadata }) => metadata.name === 'crypto-server');
    expect(server?.['spec'].strategy).toEqual({ type: 'Recreate' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('no file is forgotten', () => {
  for (const folder of ['base', 'overlays/development', 'overlays/production']) {
    const files = readdirSync(join(ROOT, folder)).filter(
      (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
    );
    const listed = readFileSync(join(ROOT, folder, 'kustomization.yaml'), 'utf8');
    for (const file of files) expect(listed).toContain(`  - ${file}\n`);
  }
});

test('the command of the README makes every secret that is needed, once, for its owner alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'));
  try {
    cpSync(ROOT, folder, { recursive: true, filter: (path) => !path.endsWith('.env') });
    const script = /```sh\n(.*?)```/s.exec(readFileSync(join(folder, 'README.md'), 'utf8'))?.[1] ?? '';
    const run = () => Bun.spawnSync(['bash', '-c', script], { cwd: folder, stderr: 'ignore' });
    run();
    const overlay = readOverlay(join(folder, 'overlays/development'));
    const texts = new Map([...overlay.secrets].map(([name, file]) => [name, readFileSync(file, 'utf8')]));
    for (const workload of workloads(overlay))
      for (const { valueFrom } of containerOf(workload)['env'].filter((one: Manifest) => one['valueFrom'])) {
        const { name, key, optional } = valueFrom.secretKeyRef;
        if (optional !== true) expect(made(texts.get(name) ?? '')).toContain(key);
      }
    for (const file of overlay.secrets.values()) expect(statSync(file).mode & 0o777).toBe(0o600);
    run();
    for (const [name, file] of overlay.secrets) expect(readFileSync(file, 'utf8')).toBe(texts.get(name) ?? '');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
