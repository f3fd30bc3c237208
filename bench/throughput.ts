import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure, Hold } from './figure';
import { fire, type Round, type Shot } from './load';
import { type Peer, startRaw } from './processes';
import { median } from './statistics';

/** How long and how often load is put on. */
export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** One throughput to measure. */
export interface Race {
  readonly name: string;
  /** Made anew for each round, whose length in seconds it is told. */
  readonly shot: (seconds: number) => Shot | Promise<Shot>;
  /** A good answer of ours: the raw server gives the same bytes. */
  readonly answer: Uint8Array;
  /** Least share of the raw throughput; null: it is shown alone. */
  readonly ratioAtLeast: number | null;
  readonly p99AtMostMs: number | null;
}

/**
 * Fires at the raw server and at ours in turn, so that whatever else the machine does hits both, and takes the median of
 * the rounds.
 */
export async function race(
  { name, shot, answer, ratioAtLeast, p99AtMostMs }: Race,
  server: Peer,
  options: { pace: Pace; folder: string; signal: AbortSignal },
): Promise<Figure[]> {
  const { pace, folder, signal } = options;
  const file = join(folder, 'answer');
  writeFileSync(file, answer, { mode: 0o600 });
  await using raw = await startRaw(file);
  const round = async (peer: Peer, seconds: number) => fire(await shot(seconds), peer, { seconds, folder, signal });
  await round(raw, pace.warmUpSeconds);
  await round(server, pace.warmUpSeconds);
  const theirs: Round[] = [];
  const ours: Round[] = [];
  for (let at = 0; at < pace.rounds; at++) {
    theirs.push(await round(raw, pace.seconds));
    ours.push(await round(server, pace.seconds));
  }
  const both = (member: keyof Round) => ({
    value: median(ours.map((one) => one[member])),
    raw: median(theirs.map((one) => one[member])),
  });
  const perSecond = both('perSecond');
  const p99 = both('p99Ms');
  // Each round against its neighbour: a slow spell of the machine then counts on both sides.
  const ratio = median(ours.map((one, at) => one.perSecond / (theirs[at]?.perSecond ?? Number.NaN)));
  return [
    { name, unit: '/s', ...perSecond, hold: atLeast(ratio, ratioAtLeast), note: '' },
    { name: '  p99', unit: 'ms', ...p99, hold: atMost(p99.value, p99AtMostMs), note: '' },
    { name: '  processor time a request', unit: 'µs CPU', ...both('cpuMicros'), hold: null, note: '' },
  ];
}

function atLeast(measured: number, bound: number | null): Hold | null {
  return bound === null ? null : { of: 'ratio', measured, atLeast: bound };
}

function atMost(measured: number, bound: number | null): Hold | null {
  return bound === null ? null : { of: 'value', measured, atMost: bound };
}
