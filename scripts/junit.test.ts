import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReport } from './junit';

test('a report of bun test is read: what passed, and the names of what failed or was skipped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'junit-'));
  try {
    const code = `import { describe, expect, test } from 'bun:test';
      test('alone', () => {});
      describe('a & "b"', () => {
        describe('<c>', () => {
          test('passes', () => {});
          test('fails', () => expect('<skipped />').toBe('x'));
        });
        test.skip('is skipped', () => {});
        test.todo('is to do');
      });`;
    writeFileSync(join(folder, 'sample.test.ts'), code);
    const command = [process.execPath, 'test', '--reporter=junit', '--reporter-outfile=report.xml'];
    expect(Bun.spawnSync(command, { cwd: folder }).exitCode).toBe(1);
    expect(readReport(readFileSync(join(folder, 'report.xml'), 'utf8'))).toEqual({
      passed: 2,
      failed: ['sample.test.ts > a & "b" > <c> > fails'],
      skipped: ['sample.test.ts > a & "b" > is skipped', 'sample.test.ts > a & "b" > is to do'],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
