import { integer, setting } from '../../kit/config';

/** How many processes serve. */
export const WORKER_SETTINGS = {
  WORKERS: setting({
    about: 'processes that share the port on this machine; more than 1 needs DATABASE_URL',
    parse: integer(1, 64),
    fallback: 1,
  }),
} as const;

/** The settings that bear on it, as they were read. */
interface Given {
  readonly WORKERS: number;
  readonly DATABASE_URL: string | null;
  readonly PORT: number;
}

/** Workers are replicas: they need a database that several can use, and one port to share. */
export function workerFaults({ WORKERS, DATABASE_URL, PORT }: Given): string[] {
  if (WORKERS === 1) return [];
  const faults: string[] = [];
  if (DATABASE_URL === null)
    faults.push('WORKERS: more than 1 needs DATABASE_URL, since the embedded database is for one process');
  if (PORT === 0) faults.push('PORT: 0 takes a free one, which WORKERS cannot share');
  return faults;
}
