// What docs/conformance.md says is tested, is.
import { beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReport } from '../scripts/junit';

/** One row: what is shown, and by which tests of which files; without any, why not. */
interface Case {
  readonly name: string;
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
  readonly reason: string | null;
}

const ROOT = join(import.meta.dir, '..');

const cases = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:case|---) /.test(line))
  .map(readCase);
const files = [...new Set(cases.flatMap(({ tests }) => tests.map(({ file }) => file)))];
const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

function readCase(line: string): Case {
  const [, name = '', , cell = ''] = line.split('|').map((text) => text.trim());
  const [, reason = null] = /^not covered: (.+)$/.exec(cell) ?? [];
  const tests = reason === null ? cell.split('<br>').map(readReference) : [];
  return { name, tests, reason };
}

function readReference(text: string) {
  const [, file = '', titles = ''] = /^`([\w/-]+)` (.+)$/.exec(text) ?? [];
  return { file: `server/${file}.test.ts`, titles: titles.split(' · ').flatMap(alternatives) };
}

/** `a {b, c} d` → `a b d` and `a c d`. */
function alternatives(title: string): string[] {
  const [, before = '', list = '', after = ''] = /^(.*?)\{(.+?)\}(.*)$/.exec(title) ?? [];
  return list === '' ? [title] : list.split(', ').flatMap((one) => alternatives(before + one + after));
}

/** The titles of all tests of some files, as bun has them: it is told to run none, and reports them all as skipped. */
async function titlesOf(paths: readonly string[]): Promise<Map<string, Set<string>>> {
  const folder = mkdtempSync(join(tmpdir(), 'titles-'));
  const report = join(folder, 'report.xml');
  const none = ['--test-name-pattern', '^no test is called so$', '--reporter=junit', `--reporter-outfile=${report}`];
  const bun = Bun.spawn([process.execPath, 'test', ...none, ...paths], {
    cwd: ROOT,
    stdout: 'ignore',
    stderr: 'ignore',
  });
  await bun.exited;
  const titles = new Map<string, Set<string>>();
  for (const full of readReport(readFileSync(report, 'utf8')).skipped) {
    const [file = '', ...groups] = full.split(' > ');
    titles.set(file, (titles.get(file) ?? new Set()).add(groups.at(-1) ?? ''));
  }
  rmSync(folder, { recursive: true });
  return titles;
}

/** True for the whole title, or what stands before or after a colon in it; `…` stands for anything. */
function isCalled(title: string, words: string): boolean {
  const pattern = words
    .split('…')
    .map((text) => RegExp.escape(text))
    .join('.+');
  return new RegExp(`^(?:.+: )?${pattern}(?:: .+)?$`).test(title);
}

describe('docs/conformance.md', () => {
  let titles: Map<string, Set<string>>;
  beforeAll(async () => {
    titles = await titlesOf(files);
  }, 120_000);

  test('has its tables', () => {
    expect(cases.length).toBeGreaterThan(100);
  });

  test.each(files)('%s leaves no test out', (file) => {
    expect(sourceOf(file).match(/\b(?:test|describe)\.(?:skip|todo|only|failing)\b/g)).toBeNull();
  });

  test.each(cases)('$name', ({ tests, reason }) => {
    if (reason !== null) return expect(reason.length).toBeGreaterThan(20);
    for (const { file, titles: cited } of tests) {
      const known = [...(titles.get(file) ?? [])];
      expect(cited.filter((words) => !known.some((title) => isCalled(title, words)))).toEqual([]);
    }
    const spoken = tests.filter(({ file }) =>
      /\bstart(?:Test)?(?:Server|Process|ServerProcess)\b/.test(sourceOf(file)),
    );
    expect(spoken, 'tests that speak HTTP').not.toEqual([]);
  });
});
