/** The rates as the page holds them: what moved, what was before, and a view of it that can stand still. */
import type { Candle, Rate } from './model';

/** One currency. It is never changed: what moves gets another one. */
export interface Row {
  readonly symbol: string;
  readonly name: string;
  readonly rate: number;
  /** Percent, or null when the server says nothing of it. */
  readonly change: number | null;
  readonly high: number | null;
  readonly low: number | null;
  /** When its rate was made, in milliseconds since the epoch by the server's clock. */
  readonly updatedMs: number | null;
  /** How old it was when it came, by the client's clock, and when that was, by {@link MarketDeps.elapsed}. */
  readonly ageMs: number | null;
  readonly receivedMs: number;
  /** Which way it moved last, and how often it has moved. */
  readonly direction: 'up' | 'down' | null;
  readonly beat: number;
  readonly points: readonly Point[];
}

/** What a rate was at a time: milliseconds since the epoch, and the rate. */
export type Point = readonly [atMs: number, rate: number];

/** The rates and who follows them. */
export interface Market {
  /** What is shown: the latest, or what there was when it was paused. */
  rows(): readonly Row[];
  /** The latest of one currency, also while paused. */
  latest(symbol: string): Row | null;
  paused(): boolean;
  /** Updates that came since the pause. */
  waiting(): number;
  /** True once there was a first answer, be it an empty one. */
  filled(): boolean;
  /** Another number whenever all rates came anew. */
  epoch(): number;
  snapshot(rates: readonly Rate[], atMs: number): void;
  update(rates: readonly Rate[], atMs: number): void;
  /** Puts what was before the page opened under the line of a currency. */
  seed(symbol: string, candles: readonly Candle[]): void;
  pause(): void;
  resume(): void;
  /** Calls back after every change. @returns how to stop. */
  follow(listener: () => void): () => void;
}

/** What {@link createMarket} needs. */
export interface MarketDeps {
  /** Milliseconds from an arbitrary start; never steps. */
  readonly elapsed: () => number;
}

/** The line of a currency is an hour at most. */
const LINE_MS = 3_600_000;

/** Rates that follow sooner than that are one point: 120 of them for each of thousands of currencies. */
const POINT_MS = 30_000;

/** An empty market. */
export function createMarket({ elapsed }: MarketDeps): Market {
  let rows = new Map<string, Row>();
  let shown: readonly Row[] | null = null;
  let frozen = false;
  let [waiting, epoch] = [0, 0];
  const listeners = new Set<() => void>();
  const tell = (): void => {
    if (!frozen) shown = null;
    for (const listener of listeners) listener();
  };
  const current = (): readonly Row[] => {
    shown ??= [...rows.values()];
    return shown;
  };
  return {
    rows: current,
    latest: (symbol) => rows.get(symbol) ?? null,
    paused: () => frozen,
    waiting: () => waiting,
    filled: () => epoch > 0,
    epoch: () => epoch,
    snapshot(rates, atMs) {
      const receivedMs = elapsed();
      rows = new Map(rates.map((rate) => [rate.symbol, rowOf(rate, rows.get(rate.symbol), atMs, receivedMs)]));
      epoch += 1;
      if (frozen) waiting += 1;
      tell();
    },
    update(rates, atMs) {
      const receivedMs = elapsed();
      for (const rate of rates) rows.set(rate.symbol, rowOf(rate, rows.get(rate.symbol), atMs, receivedMs));
      if (frozen) waiting += 1;
      tell();
    },
    seed(symbol, candles) {
      const row = rows.get(symbol);
      if (row === undefined) return;
      const [first] = row.points;
      const before = candles.map(({ open_time, close }): Point => [Date.parse(open_time), close]);
      const points = before.filter(([atMs]) => first === undefined || atMs < first[0]);
      rows.set(symbol, { ...row, points: recent([...points, ...row.points]) });
      tell();
    },
    pause() {
      current();
      frozen = true;
      waiting = 0;
      tell();
    },
    resume() {
      frozen = false;
      tell();
    },
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function rowOf(rate: Rate, before: Row | undefined, atMs: number, receivedMs: number): Row {
  const updatedMs = rate.updated_at === undefined ? null : Date.parse(rate.updated_at);
  const moved = before !== undefined && before.rate !== rate.rate;
  const direction = moved ? (rate.rate > before.rate ? 'up' : 'down') : (before?.direction ?? null);
  return {
    symbol: rate.symbol,
    name: rate.name ?? before?.name ?? '',
    rate: rate.rate,
    change: rate.change_24h ?? null,
    high: rate.high_24h ?? null,
    low: rate.low_24h ?? null,
    updatedMs,
    ageMs: updatedMs === null ? null : Math.max(0, atMs - updatedMs),
    receivedMs,
    direction,
    beat: (before?.beat ?? 0) + (moved ? 1 : 0),
    points: extended(before?.points ?? [], [updatedMs ?? atMs, rate.rate]),
  };
}

/** The last point is the latest rate; those before it lie {@link POINT_MS} apart. */
function extended(points: readonly Point[], point: Point): readonly Point[] {
  const before = points.at(-2);
  const isNear = before !== undefined && point[0] - before[0] < POINT_MS;
  return recent([...(isNear ? points.slice(0, -1) : points), point]);
}

function recent(points: readonly Point[]): readonly Point[] {
  const endMs = points.at(-1)?.[0] ?? 0;
  const from = points.findIndex(([atMs]) => atMs > endMs - LINE_MS);
  return from > 0 ? points.slice(from) : points;
}

/** How old a rate is now, in milliseconds, or null when the server does not date it. */
export function ageOf(row: Row, nowMs: number): number | null {
  return row.ageMs === null ? null : row.ageMs + Math.max(0, nowMs - row.receivedMs);
}
