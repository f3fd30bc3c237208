/**
 * The page's script as one minified text. Called as a macro: it runs while the server is compiled (or, from source, while
 * `index.ts` is loaded), and only its answer stays. The bundler can not be called inside of itself, so it is another process.
 * @throws Error with the bundler's words.
 */
export function bundlePage(): string {
  const built = Bun.spawnSync(
    [process.execPath, 'build', `${import.meta.dir}/page/main.tsx`, '--target=browser', '--production'],
    { stdin: 'ignore' },
  );
  if (!built.success) throw new Error(`the console was not built:\n${built.stderr}`);
  return built.stdout.toString();
}
