import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dumpEmbedded } from '../db/embedded-dump';
import { say, step } from './screen';

/** The folder of the repository. */
export const ROOT = join(import.meta.dir, '..');

const DUMP = join(ROOT, 'db/embedded.tar.gz');
// What the dump is made from; bun.lock stands for the version of the embedded PostgreSQL.
const DUMP_SOURCES = ['db/migrations/*', 'db/embedded-dump.ts', 'db/engine.ts', 'bun.lock'];

/** Each binary with the files that go into it beside its code. */
const BINARIES = {
  'crypto-server': { entry: 'server/main.ts', assets: ['db/migrations', 'db/embedded.tar.gz'] },
  'crypto-client': { entry: 'client/main.ts', assets: [] },
} as const;

/** The name of a binary, which is also its path in the repository. */
export type Binary = keyof typeof BINARIES;

/** Makes the data directory that a new embedded database starts from, unless it is there and newer than its sources. */
export async function prepareDump(): Promise<void> {
  if (isFresh()) return;
  await step('Preparing the embedded database', async () => {
    await Bun.write(`${DUMP}.part`, await dumpEmbedded());
    renameSync(`${DUMP}.part`, DUMP); // whole or not at all
    return megabytes(DUMP);
  });
}

/** Compiles one binary into the root of the repository. Throws Error with the compiler's words. */
export async function buildBinary(name: Binary): Promise<void> {
  const { entry, assets } = BINARIES[name];
  await step(`Building ${name}`, async () => {
    await compile(name, entry, assets);
    return megabytes(join(ROOT, name));
  });
}

function isFresh(): boolean {
  if (!existsSync(DUMP)) return false;
  const made = statSync(DUMP).mtimeMs;
  const sources = DUMP_SOURCES.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })]);
  return sources.every((source) => statSync(join(ROOT, source)).mtimeMs <= made);
}

async function compile(name: Binary, entry: string, assets: readonly string[]): Promise<void> {
  const child = Bun.spawn(
    [
      ...[process.execPath, 'build', entry, '--compile', '--outfile', name],
      // Identifiers stay: the framework reads the source of handlers. Bytecode makes the start three times as fast.
      ...['--minify-whitespace', '--minify-syntax', '--bytecode', '--format=esm', '--sourcemap'],
      // What lies in the folder a binary is started from must not steer it.
      ...['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'],
      ...assets.flatMap((asset) => ['--asset', asset]),
    ],
    { cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
  );
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${name} was not built:\n${out}${err}`);
  rmSync(join(ROOT, `${name}.map`), { force: true }); // the binary holds it already
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}

if (import.meta.main) {
  try {
    await prepareDump();
    await buildBinary('crypto-server');
    await buildBinary('crypto-client');
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
