// What is looked at while load is on: the processes, and what the tables of the server hold.
import { cpuSeconds, residentMegabytes } from '../processes';
import { median, slope } from '../statistics';

/** Looks at processes from time to time. Disposing of it ends the looking. */
export interface Watch extends Disposable {
  /** What has been seen so far. */
  memory(): MemorySeen;
  /** Share of one processor that each took. */
  processors(): { readonly server: number; readonly load: number };
}

/** Resident memory of the server: medians of the first and the last third of the time, in MB, and the line through all of it. */
export interface MemorySeen {
  readonly samples: number;
  readonly firstMb: number;
  readonly lastMb: number;
  readonly mostMb: number;
  /** Medians of ten parts of the time, one after another. */
  readonly courseMb: readonly number[];
  readonly mbPerHour: number;
}

/** Looks at once, and then that often. */
export function watchProcesses(pids: { readonly server: number; readonly load: number }, everyMs: number): Watch {
  const samples: { readonly seconds: number; readonly mb: number; readonly server: number; readonly load: number }[] =
    [];
  const look = (): void =>
    void samples.push({
      seconds: performance.now() / 1_000,
      mb: residentMegabytes(pids.server),
      server: cpuSeconds(pids.server),
      load: cpuSeconds(pids.load),
    });
  look();
  const timer = setInterval(look, everyMs);
  const share = (of: 'server' | 'load'): number => {
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined) return Number.NaN;
    return (last[of] - first[of]) / (last.seconds - first.seconds);
  };
  return {
    memory: () => {
      const all = samples.map(({ mb }) => mb);
      const third = Math.ceil(all.length / 3);
      return {
        samples: all.length,
        firstMb: median(all.slice(0, third)),
        lastMb: median(all.slice(-third)),
        mostMb: Math.max(...all),
        courseMb: Array.from({ length: 10 }, (_, part) => median(partOf(all, part, 10))).filter((mb) => mb > 0),
        mbPerHour: slope(samples.map(({ seconds, mb }) => [seconds / 3_600, mb])),
      };
    },
    processors: () => ({ server: share('server'), load: share('load') }),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** What a database holds. */
export interface Contents {
  readonly megabytes: number;
  /** Rows of each table that is not empty. */
  readonly rows: Readonly<Record<string, number>>;
}

/** The values of one of so many parts; empty where there are fewer values. */
function partOf(values: readonly number[], part: number, parts: number): readonly number[] {
  const [from, to] = [part, part + 1].map((edge) => Math.floor((values.length * edge) / parts));
  return values.slice(from, to);
}

/** Counts every row. */
export async function contentsOf(databaseUrl: string): Promise<Contents> {
  await using sql = new Bun.SQL(databaseUrl);
  const [size] = await sql`select pg_database_size(current_database()) as bytes`;
  const tables = await sql`select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`;
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const [{ count }] = await sql`select count(*) as count from ${sql(name)}`;
    if (Number(count) > 0) rows[String(name)] = Number(count);
  }
  return { megabytes: Number(size.bytes) / 1e6, rows };
}

/** Revoked tokens that ended so long ago that the server is to forget them, for it to do so. */
export async function insertLongEnded(databaseUrl: string, count: number): Promise<void> {
  await using sql = new Bun.SQL(databaseUrl);
  await sql`insert into revoked_tokens (jti, expires_at)
    select gen_random_uuid()::text, now() - interval '2 days' from generate_series(1, ${count})`;
}

/** How many of those are left. */
export async function countLongEnded(databaseUrl: string): Promise<number> {
  await using sql = new Bun.SQL(databaseUrl);
  const [row] = await sql`select count(*) as count from revoked_tokens where expires_at < now() - interval '1 day'`;
  return Number(row.count);
}
