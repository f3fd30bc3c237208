// What docs/conformance.md says is tested, is.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One row: what is shown, and by which words of which test files; without any, why not. */
interface Case {
  readonly name: string;
  readonly tests: readonly { readonly file: string; readonly words: readonly string[] }[];
  readonly reason: string | null;
}

const ROOT = join(import.meta.dir, '..');

const cases = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:case|---) /.test(line))
  .map(readCase);

function readCase(line: string): Case {
  const [, name = '', , cell = ''] = line.split('|').map((text) => text.trim());
  const [, reason = null] = /^not covered: (.+)$/.exec(cell) ?? [];
  const tests = reason === null ? cell.split('<br>').map(readReference) : [];
  return { name, tests, reason };
}

function readReference(text: string) {
  const [, file = '', words = ''] = /^`([\w/-]+)` (.+)$/.exec(text) ?? [];
  return { file: join(ROOT, 'server', `${file}.test.ts`), words: words.split(' · ') };
}

describe('docs/conformance.md', () => {
  test('has its tables', () => {
    expect(cases.length).toBeGreaterThan(90);
  });

  test.each(cases)('$name', ({ tests, reason }) => {
    if (reason !== null) return expect(reason.length).toBeGreaterThan(20);
    expect(tests.length).toBeGreaterThan(0);
    for (const { file, words } of tests) {
      expect(existsSync(file), file).toBe(true);
      const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
      expect(words.filter((word) => word === '' || !source.includes(word))).toEqual([]);
    }
  });
});
