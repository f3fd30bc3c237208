import { availableParallelism, cpus, loadavg } from 'node:os';
import { style } from '../scripts/screen';
import { type Figure, type Hold, isHeld } from './figure';

/** What the figures were measured on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  /** Load average of the minute before; other work makes every figure worse. */
  readonly loadBefore: number;
  readonly bun: string;
  readonly postgresql: string;
}

/** This machine, as it is now. */
export function describeMachine(postgresql: string): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    loadBefore: loadavg()[0] ?? Number.NaN,
    bun: Bun.version,
    postgresql,
  };
}

const COLUMNS = ['figure', 'measured', 'raw', 'ratio or p', 'hold', 'verdict', ''] as const;
const RIGHT = new Set<number>([1, 2, 3]);

/** The report for people: facts of the machine, then an aligned table. */
export function renderTable(machine: Machine, figures: readonly Figure[]): string {
  const { cores, processor, loadBefore, bun, postgresql } = machine;
  const facts = `${cores} cores (${processor}), load ${loadBefore.toFixed(1)} before; Bun ${bun}; PostgreSQL ${postgresql}`;
  const rows = [COLUMNS, ...figures.map(cells)];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => Bun.stringWidth(row[at] ?? ''))));
  const lines = rows.map((row, index) => {
    const line = row
      .map((cell, at) => pad(cell, widths[at] ?? 0, RIGHT.has(at)))
      .join('  ')
      .trimEnd();
    return index === 0 ? style.dim(line) : paint(line, figures[index - 1]?.hold ?? null);
  });
  return `${facts}\n\n${lines.join('\n')}\n`;
}

/** The report for programs. */
export function renderJson(machine: Machine, figures: readonly Figure[]): string {
  const rows = figures.map(({ name, hold, ...figure }) => ({
    name: name.trim(),
    ...figure,
    hold,
    held: hold === null ? null : isHeld(hold),
  }));
  return `${JSON.stringify({ machine, figures: rows }, null, 2)}\n`;
}

function cells({ name, value, unit, raw, hold, note }: Figure): string[] {
  const comparison = () => {
    if (hold !== null && hold.of !== 'value')
      return hold.of === 'p' ? `p = ${hold.measured.toFixed(3)}` : hold.measured.toFixed(2);
    return raw === null ? '' : (value / raw).toFixed(2);
  };
  const verdict = hold === null ? '' : isHeld(hold) ? 'held' : 'NOT HELD';
  return [
    name,
    show(value, unit),
    raw === null ? '' : show(raw, unit),
    comparison(),
    showHold(hold, unit),
    verdict,
    note,
  ];
}

function show(value: number, unit: Figure['unit']): string {
  if (Number.isNaN(value)) return '–';
  switch (unit) {
    case '/s':
      return `${Math.round(value).toLocaleString('en')} /s`;
    case 'ms':
    case 's':
      return `${value.toFixed(2)} ${unit}`;
    case 'MB':
      return `${value.toFixed(0)} MB`;
    case 'µs CPU':
      return `${value.toFixed(1)} µs`;
    case 'µs':
      return `${value > 0 ? '+' : ''}${value.toFixed(0)} µs`;
    case 'same':
      return String(value - 1);
  }
}

function showHold(hold: Hold | null, unit: Figure['unit']): string {
  if (hold === null) return '';
  const sign = 'atLeast' in hold ? '≥' : '≤';
  const bound = 'atLeast' in hold ? hold.atLeast : hold.atMost;
  if (hold.of === 'ratio') return `${sign} ${bound.toFixed(2)} × raw`;
  return hold.of === 'p' ? `p ${sign} ${bound}` : `${unit === 'same' ? '' : `${sign} `}${show(bound, unit)}`;
}

function pad(cell: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - Bun.stringWidth(cell)));
  return right ? space + cell : cell + space;
}

function paint(line: string, hold: Hold | null): string {
  if (hold === null) return style.dim(line);
  return isHeld(hold) ? line.replace('  held', `  ${style.green('held')}`) : style.red(line);
}
