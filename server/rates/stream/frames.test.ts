// What is kept for all streams together: messages that are written once, and the last ticks for those who come back.
import { describe, expect, test } from 'bun:test';
import type { Rate } from '../model';
import { createFrames, type Tick, type Wire } from './frames';
import { createHub } from './hub';
import { createReplay } from './replay';
import { ALL, select } from './selection';
import type { Line } from './subscriber';

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

  test.each([
    ['the newest tick', 1],
    ['an older tick', 9],
  ])('of %s is made of rates that somebody wants, each written once', (_, before) => {
    const written: string[] = [];
    const toJSON = function (this: Rate): Rate {
      written.push(this.symbol);
      return { ...this };
    };
    const tick = { ...tickOf(2), rates: tickOf(2).rates.map((rate) => ({ ...rate, toJSON })) };
    const frames = createFrames();
    frames.snapshot(wire, tickOf(before), ALL);
    for (const fromSeq of [1, 0]) frames.update(wire, tick, chosen, fromSeq);
    expect(written).toEqual(['BTC', 'ETH']);
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

describe('whoever was away for long', () => {
  /** A market that has ticked so often, and a line that takes whatever it is sent. */
  const scene = (ticks: number) => {
    const sent: number[] = [];
    let newest = tickOf(1);
    let hear = (_: Tick): void => {};
    const hub = createHub({
      feed: {
        snapshot: () => newest,
        follow: (follower) => {
          hear = follower;
        },
      },
      cut: () => {},
      elapsed: () => 0,
      random: () => 0,
    });
    const tick = (seq: number): void => {
      newest = tickOf(seq);
      hear(newest);
    };
    for (let seq = 1; seq <= ticks; seq++) tick(seq);
    const line: Line<number> = {
      kind: 'events',
      wire: (head) => ('seq' in head ? head.seq : 0),
      send: (seq) => sent.push(seq) > 0,
      end: () => {},
    };
    const lease = { clientId: 'one', isOver: () => false };
    return { sent, tick, hub, subscriber: hub.join(line, { lease, selection: ALL, lastSeq: 2 }) };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const upTo = (last: number): number[] => Array.from({ length: last - 2 }, (_, at) => at + 3);

  test('gets what he missed in portions, with turns of others between them, and then what is new', async () => {
    const { sent, tick } = scene(1_000);
    expect(sent.length).toBeWithin(1, 500);
    tick(1_001);
    for (let turns = 0; turns < 3; turns++) {
      expect(sent).toEqual(upTo(sent.length + 2));
      await turn();
    }
    expect(sent).toEqual(upTo(1_001));
  });

  test('and leaves again is sent no more', async () => {
    const { sent, hub, subscriber } = scene(1_000);
    const portion = [...sent];
    hub.leave(subscriber);
    for (let turns = 0; turns < 4; turns++) await turn();
    expect(sent).toEqual(portion);
  });
});
