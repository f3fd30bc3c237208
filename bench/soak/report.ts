import { style } from '../../scripts/screen';
import type { LoadSeen } from './load';
import type { Contents, MemorySeen } from './watch';

/** All that was seen. */
export interface SoakSeen {
  readonly load: LoadSeen;
  /** Requests a second that were wanted. */
  readonly rate: number;
  readonly memory: MemorySeen;
  readonly before: Contents;
  readonly after: Contents;
  /** Rows that the server had to forget, and how many of them are left. */
  readonly longEnded: { readonly inserted: number; readonly left: number };
  readonly rotations: { readonly secrets: number; readonly refused: number };
  /** Share of one processor that server and load took. */
  readonly processors: { readonly server: number; readonly load: number };
  /** What failed beside the load. */
  readonly faults: readonly string[];
}

/** A bound, and whether it was kept. */
export interface Judgement {
  readonly what: string;
  readonly isHeld: boolean;
}

/** Some of the schedule is always under way when it ends. */
const RATE_AT_LEAST = 0.99;

/** What is kept for ever is not a tenth of the memory of a server that has warmed up. */
const MEMORY_AT_MOST = 1.1;

/** The server looks for what it may forget each minute; a shorter run does not see it. */
const FORGETS_WITHIN_SECONDS = 90;

/** What must hold of it. */
export function judge({ load, rate, memory, longEnded, faults }: SoakSeen): Judgement[] {
  const reached = answered(load) / load.seconds;
  const errors = Object.values(load.errors).reduce((sum, count) => sum + count, 0) + faults.length;
  const grown = memory.lastMb / memory.firstMb;
  return [
    { what: `errors: ${errors}; to hold: 0`, isHeld: errors === 0 },
    {
      what: `${whole(reached)} requests/s of ${whole(rate)}; to hold: ≥ ${RATE_AT_LEAST} ×`,
      isHeld: reached >= rate * RATE_AT_LEAST,
    },
    {
      what: `resident memory ${whole(memory.lastMb)} MB in the last third, ${whole(memory.firstMb)} MB in the first: ${grown.toFixed(3)} ×; to hold: ≤ ${MEMORY_AT_MOST} ×`,
      isHeld: grown <= MEMORY_AT_MOST,
    },
    ...(load.seconds < FORGETS_WITHIN_SECONDS
      ? []
      : [
          {
            what: `rows of tokens that ended a day ago: ${whole(longEnded.inserted)} put there, ${longEnded.left} left; to hold: 0`,
            isHeld: longEnded.left === 0,
          },
        ]),
  ];
}

/** For people. */
export function renderSoak(seen: SoakSeen): string {
  const { load, memory, before, after, rotations, processors, faults } = seen;
  const kinds = load.kinds.map(({ kind, requests, p50Ms, p99Ms, p999Ms, maxMs }) => [
    kind,
    whole(requests),
    ...[p50Ms, p99Ms, p999Ms].map((ms) => ms.toFixed(2)),
    maxMs.toFixed(1),
  ]);
  const tables = Object.keys(after.rows).map((table) => [
    table,
    whole(before.rows[table] ?? 0),
    whole(after.rows[table] ?? 0),
  ]);
  const errors = [...Object.entries(load.errors).map(([what, count]) => `${count} × ${what}`), ...faults];
  return [
    `${whole(answered(load))} requests in ${load.seconds.toFixed(0)} s after the warm-up; ${whole(load.messages)} messages of the stream`,
    table([['in ms', 'requests', 'p50', 'p99', 'p99.9', 'max'], ...kinds]),
    table([['table', 'rows before', 'rows after'], ...tables]),
    `database: ${before.megabytes.toFixed(1)} MB before, ${after.megabytes.toFixed(1)} MB after`,
    `resident memory: ${memory.mbPerHour.toFixed(1)} MB an hour by least squares of ${memory.samples} samples; ${whole(memory.mostMb)} MB at most; by tenths of the time ${memory.courseMb.map(whole).join(', ')}`,
    `secrets rotated: ${rotations.secrets}, ended ones tried and refused: ${rotations.refused}; tokens in use were signed by ${load.keys} keys`,
    `processors: server ${processors.server.toFixed(2)}, load ${processors.load.toFixed(2)}`,
    ...errors.map((error) => style.red(`error: ${error}`)),
    ...judge(seen).map(({ what, isHeld }) =>
      isHeld ? `${style.green('held')}      ${what}` : style.red(`NOT HELD  ${what}`),
    ),
    '',
  ].join('\n');
}

/** Aligned: names to the left, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart((widths[column] ?? 0) + 2);
  return `\n${rows.map((row) => row.map(pad).join('')).join('\n')}\n`;
}

function answered({ kinds }: LoadSeen): number {
  return kinds.reduce((sum, { requests }) => sum + requests, 0);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
