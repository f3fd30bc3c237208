// A real PgBouncer for tests, from the machine's own binary, in front of a test PostgreSQL.
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, unprivileged, until } from './testing-postgres';

/** The program, or null; Debian keeps it where only root looks. */
export const PGBOUNCER = Bun.which('pgbouncer', { PATH: `${process.env['PATH']}:/usr/sbin` });

/** What may differ from its own defaults. */
export interface PgbouncerOptions {
  /** Port of the PostgreSQL behind it. */
  readonly port: number;
  readonly mode: 'session' | 'transaction';
  /** Lines of its section `[pgbouncer]`. */
  readonly lines?: readonly string[];
}

/** Starts one on a free port, not as root. */
export async function startPgbouncer({ port, mode, lines = [] }: PgbouncerOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'crypto-pgbouncer-'));
  const identity = unprivileged();
  const own = await freePort();
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('users'), '"postgres" ""\n');
  const settings = [
    '[databases]',
    `* = host=127.0.0.1 port=${port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${own}`,
    'unix_socket_dir =',
    'auth_type = trust',
    `auth_file = ${at('users')}`,
    `pool_mode = ${mode}`,
    ...lines,
  ];
  writeFileSync(at('pgbouncer.ini'), `${settings.join('\n')}\n`);
  if (identity !== null)
    for (const file of [folder, at('users'), at('pgbouncer.ini')]) chownSync(file, identity.uid, identity.gid);
  const child = Bun.spawn([PGBOUNCER ?? '', at('pgbouncer.ini')], {
    ...identity,
    cwd: '/',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  let log = '';
  const reading = (async () => {
    for await (const bytes of child.stderr) log += Buffer.from(bytes).toString();
  })();
  await until(() => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${log}`);
    return /process up/.test(log);
  }, 'PgBouncer');
  return {
    url: `postgres://postgres@127.0.0.1:${own}/postgres`,
    log: () => log,
    close: async (): Promise<void> => {
      child.kill('SIGKILL');
      await child.exited;
      await reading;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
