import { join } from 'node:path';

/**
 * The script of a page as one minified text; `entry` is its first file, from the root of the repository. Called as a macro:
 * it runs while a program is compiled (or, from source, while the page's routes are loaded), and only its answer stays. The
 * bundler can not be called inside of itself, so it is another process. @throws Error with the bundler's words.
 */
export function bundlePage(entry: string): string {
  const path = join(import.meta.dir, '../..', entry);
  const built = Bun.spawnSync([process.execPath, 'build', path, '--target=browser', '--production'], {
    stdin: 'ignore',
  });
  if (!built.success) throw new Error(`${entry} was not built:\n${built.stderr}`);
  return built.stdout.toString();
}
