import { createHash } from 'node:crypto';
import { decimal } from './price';

/** Significant digits of a simulated rate: fine enough for a step of a thousandth of a percent, exact in a double. */
const SIGNIFICANT_DIGITS = 7;

/**
 * How strongly a rate is drawn back to its anchor, per tick and unit of distance in logarithms. At steps of ±0.5 % the
 * rates stay within some 20 % of the anchor; without it they would double or halve every other day.
 */
const PULL = 0.001;

/** One step of the simulation. */
export interface Step {
  /** The current rate and the level it is drawn to, decimal strings greater than zero. */
  readonly rate: string;
  readonly anchorRate: string;
  /** The largest relative move: 0.005 is ±0.5 %. */
  readonly volatility: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/**
 * The market simulation: an Ornstein–Uhlenbeck walk of the logarithm, whose step is uniform and never beyond
 * ±volatility. @returns the next rate: positive, at most 7 significant digits, a plain decimal.
 */
export function walk({ rate, anchorRate, volatility, random }: Step): string {
  const from = Number(rate);
  const pull = PULL * Math.log(Number(anchorRate) / from);
  const move = clamp((2 * random - 1) * volatility + pull, volatility);
  const moved = round(from * (1 + move));
  // Rounding may step over the bound, which is a promise; staying put never does.
  const withinBound = Math.abs(moved - from) <= from * volatility;
  return withinBound && moved > 0 ? decimal(moved) : rate;
}

/** Uniform in [0, 1), the same for the same seed, tick and symbol: on every replica, and after a restart. */
export function chance(seed: string, seq: number, symbol: string): number {
  const digest = createHash('sha256').update(`${seed}\n${seq}\n${symbol}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

function clamp(value: number, bound: number): number {
  return Math.min(bound, Math.max(-bound, value));
}

function round(value: number): number {
  return Number(value.toPrecision(SIGNIFICANT_DIGITS));
}
