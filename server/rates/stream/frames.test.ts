// What is kept for all streams together: messages that are written once, and the last ticks.
import { describe, expect, test } from 'bun:test';
import type { Rate } from '../model';
import { createFrames, type Tick, type Wire } from './frames';
import { createReplay } from './replay';
import { ALL, select } from './selection';

const rateOf = (symbol: string, rate: number): Rate => ({
  symbol,
  name: `${symbol} coin`,
  rate,
  change_24h: 0,
  high_24h: rate,
  low_24h: rate,
  updated_at: '2026-01-01T00:00:00.000Z',
});
const tickOf = (seq: number, catalogueVersion = 1): Tick => ({
  seq,
  catalogueVersion,
  rates: ['BTC', 'ETH', 'XRP'].map((symbol) => rateOf(symbol, seq)),
});

describe('a message', () => {
  const wire: Wire<{ json: string }> = (_, json) => ({ json });
  const bytes: Wire<{ json: string }> = (_, json) => ({ json });
  const listed = new Set(['BTC', 'ETH', 'XRP']);
  const chosen = select(['eth', 'BTC'], listed);

  test('is written once for all who want the same and had the same, on one kind of connection', () => {
    const [frames, tick] = [createFrames(), tickOf(2)];
    const made = frames.update(wire, tick, chosen, 1);
    expect(frames.update(wire, tick, select(['BTC', 'ETH', 'BTC'], listed), 1)).toBe(made);
    expect(frames.update(bytes, tick, chosen, 1)).not.toBe(made);
    expect(frames.update(wire, tick, chosen, 0)).not.toBe(made);
    expect(frames.update(wire, tick, ALL, 1)).not.toBe(made);
    expect(frames.snapshot(wire, tick, chosen)).not.toBe(made);
    expect(frames.update(wire, tickOf(3), chosen, 1)).not.toBe(made);
  });

  test('of an older tick has the rates of that tick', () => {
    const frames = createFrames();
    frames.update(wire, tickOf(9), ALL, 8);
    const { json } = frames.update(wire, tickOf(2), chosen, 1);
    const rates = [rateOf('BTC', 2), rateOf('ETH', 2)];
    expect(JSON.parse(json)).toEqual({ type: 'update', from_seq: 1, seq: 2, rates });
  });
});

describe('the ring of ticks', () => {
  const filled = (seqs: readonly number[], ...bounds: [number?, number?]) => {
    const replay = createReplay(...bounds);
    for (const seq of seqs) replay.add(tickOf(seq));
    return (had: number) => replay.after(had)?.map(({ seq }) => seq) ?? null;
  };

  test('gives what came after a tick, and nothing for one that it cannot go on from', () => {
    const after = filled([5, 6, 7]);
    expect([4, 5, 6, 7, 8].map(after)).toEqual([null, null, [7], [], null]);
  });

  test('goes on over ticks that this server never had', () => {
    expect(filled([5, 6, 9])(7)).toEqual([9]);
  });

  test('keeps so many ticks, and of a large market fewer', () => {
    expect(filled([1, 2, 3, 4, 5], 2)(3)).toEqual([4, 5]);
    expect(filled([1, 2, 3, 4, 5], 2)(2)).toBeNull();
    expect(filled([1, 2, 3, 4, 5], 100, 7)(3)).toEqual([4, 5]);
    expect(filled([1, 2, 3, 4, 5], 100, 7)(2)).toBeNull();
    expect(filled([1, 2, 3], 100, 2)(2)).toEqual([3]);
  });

  test('begins anew when the catalogue changes, and takes nothing twice', () => {
    const replay = createReplay();
    for (const tick of [tickOf(1), tickOf(2), tickOf(2), tickOf(2, 2), tickOf(3, 2)]) replay.add(tick);
    expect([1, 2].map(replay.after)).toEqual([null, null]);
    expect(replay.after(3)).toEqual([]);
  });
});
