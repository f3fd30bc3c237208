import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure';
import { startServer } from './processes';
import { median } from './statistics';

/** First answer after exec, in seconds (contract of the product: with PostgreSQL, embedded). */
const POSTGRES_AT_MOST_S = 0.3;
const EMBEDDED_AT_MOST_S = 1.5;

/** What a start is measured with. */
export interface StartOptions {
  readonly runs: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** URL of a new, empty database. */
  readonly newDatabase: () => Promise<string>;
}

/** From exec to the first 200 of `/health/ready`, on new and on used databases. */
export async function measureStarts(options: StartOptions): Promise<Figure[]> {
  const { runs, folder, signal, newDatabase } = options;
  let count = 0;
  const newFolder = () => {
    const path = join(folder, `start-${++count}`);
    mkdirSync(path);
    return path;
  };
  const start = async (path: string, databaseUrl: string | null): Promise<number> => {
    await using server = await startServer({ folder: path, databaseUrl, signal });
    return server.firstAnswerMs / 1000;
  };
  const repeat = async (atMost: number | null, name: string, once: () => Promise<number>): Promise<Figure> => {
    const seconds: number[] = [];
    for (let run = 0; run < runs; run++) seconds.push(await once());
    const value = median(seconds);
    const note = `${runs} runs, ${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`;
    const hold = atMost === null ? null : ({ of: 'value', measured: value, atMost } as const);
    return { name, value, unit: 's', raw: null, hold, note };
  };
  const [usedFolder, usedDatabase] = [newFolder(), await newDatabase()];
  await start(usedFolder, usedDatabase);
  await start(usedFolder, null);
  return [
    await repeat(POSTGRES_AT_MOST_S, 'First 200, PostgreSQL', () => start(usedFolder, usedDatabase)),
    // Making the tables is PostgreSQL's own time, once in the life of a database.
    await repeat(null, 'First 200, PostgreSQL, empty', async () => start(newFolder(), await newDatabase())),
    await repeat(EMBEDDED_AT_MOST_S, 'First 200, embedded', () => start(usedFolder, null)),
    await repeat(EMBEDDED_AT_MOST_S, 'First 200, embedded, new folder', () => start(newFolder(), null)),
  ];
}
