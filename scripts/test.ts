import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildBinary, prepareDump, ROOT } from './build';
import { readReport, type Tally } from './junit';
import { say, step, style } from './screen';

const REPORTS = join(ROOT, '.reports');
const REPORT = join(REPORTS, 'tests.xml');
const failures: string[] = [];
let passed = 0;

/** Runs one check beside the tests; it counts as one of them. */
async function check(what: string, work: () => Promise<string>): Promise<void> {
  try {
    await step(what, work);
    passed++;
  } catch (error) {
    failures.push(what);
    say(error instanceof Error ? error.message : String(error));
  }
}

/** Runs a tool of node_modules with Bun, so that Node is not needed. Throws Error with its words when it fails. */
async function tool(name: string, ...args: string[]): Promise<string> {
  const command = [process.execPath, '--bun', join(ROOT, 'node_modules/.bin', name), ...args];
  const child = Bun.spawn(command, { cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(out + err);
  return '';
}

async function built(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    passed++;
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    failures.push(message.split('\n')[0] ?? message);
    say(message);
    return false;
  }
}

/** Runs `bun test` with its output passed through; what its report says, or a failure when it wrote none. `binaries`: they were built, and are what is tested. */
async function runTests(binaries: boolean): Promise<Tally> {
  rmSync(REPORT, { force: true });
  mkdirSync(REPORTS, { recursive: true });
  const command = [
    process.execPath,
    'test',
    // Far above any test's time on a machine that is well: one that is busy must not fail by its clock.
    '--timeout=60000',
    // Two processes, since a single one leaves a core idle; each starts one PostgreSQL for all of its files.
    '--parallel=2',
    '--no-isolate',
    '--reporter=junit',
    `--reporter-outfile=${REPORT}`,
    ...process.argv.slice(2),
  ];
  const env = { ...process.env, TEST_BINARIES: String(binaries) };
  const code = await Bun.spawn(command, { cwd: ROOT, env, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' })
    .exited;
  const tally = readTally();
  const unexplained = code !== 0 && tally.failed.length === 0 ? [`bun test ended with exit code ${code}`] : [];
  return { ...tally, failed: [...tally.failed, ...unexplained] };
}

function readTally(): Tally {
  try {
    return readReport(readFileSync(REPORT, 'utf8'));
  } catch {
    return { passed: 0, failed: ['bun test wrote no report'], skipped: [] };
  }
}

function names(title: string, list: readonly string[]): void {
  if (list.length > 0) say(`\n${title}\n${list.map((name) => `  ${name}`).join('\n')}`);
}

say(`\n${style.bold('Checks')}`);
await check('Formatter and linter', () => tool('biome', 'check', '--colors=off', '.'));
await check('Types', () => tool('tsc', '--noEmit'));
await check('Types of the console', () => tool('tsc', '--noEmit', '-p', 'server/console/page'));
await check('Types of the dashboard', () => tool('tsc', '--noEmit', '-p', 'client/dashboard/page'));
const server = await built(prepareDump().then(() => buildBinary('crypto-server')));
const client = await built(buildBinary('crypto-client'));

say(`\n${style.bold('Tests')}`);
const tests = await runTests(server && client);
const strict = process.env['CI'] === 'true';
failures.push(...tests.failed, ...(strict ? tests.skipped.map((name) => `skipped: ${name}`) : []));
passed += tests.passed;
const skipped = strict ? [] : tests.skipped;

names('Skipped', skipped);
names('Failed', failures);
say(`\n${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failures.length > 0 ? 1 : 0;
