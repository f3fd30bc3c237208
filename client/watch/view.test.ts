// What the screen shows, line by line, for what is known and what was typed.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { SeenRate } from '../rates/model';
import { connectionOf } from './connection';
import { type Key, readKeys } from './keys';
import { sparkline } from './sparkline';
import { EMPTY, pressed, shownRows, type WatchState, withRates } from './state';
import { type Connection, type FrameOptions, pageSize, renderFrame } from './view';

const RATES: readonly SeenRate[] = [
  {
    symbol: 'ETH',
    name: 'Ethereum',
    rate: 3200,
    change_24h: -0.5,
    high_24h: 3300,
    low_24h: 3100,
    updated_at: '2026-01-01T20:14:03.000Z',
  },
  { symbol: 'BTC', name: 'Bitcoin', rate: 45000, change_24h: 1.25, high_24h: 45500, low_24h: 44000 },
  { symbol: 'DOGE', rate: 0.08 },
];
const LATER = [{ ...RATES[0]!, rate: 3232 }, { ...RATES[1]!, rate: 44550 }, RATES[2]!];

const LIVE: Connection = { tone: 'good', text: 'Live', ageMs: 3_400, trouble: '' };
const options = (more: Partial<FrameOptions> = {}): FrameOptions => ({
  size: { columns: 130, rows: 8 },
  connection: LIVE,
  source: 'http://localhost:8000',
  colour: false,
  ...more,
});
const known = withRates(withRates(EMPTY, RATES), LATER);
const type = (state: WatchState, text: string): WatchState =>
  readKeys(text).reduce((now, key) => pressed(now, key, 10) ?? expect.unreachable(), state);
const symbols = (state: WatchState): string[] => shownRows(state).map(({ rate }) => rate.symbol);

describe('a frame', () => {
  test('has a title, the rates in order, and the keys', () => {
    expect(renderFrame(known, options())).toEqual([
      'crypto-client  ● Live · 3 rates · 3 s old · http://localhost:8000',
      '',
      'Symbol ↑  Name                Rate USD       Change         24 h          High           Low  Trend                      UTC',
      'BTC       Bitcoin            44,550.00    ▼ −1.00 %    ▲ +1.25 %     45,500.00     44,000.00                    █▁         –',
      'DOGE                          0.080000       0.00 %            –             –             –                    ▅▅         –',
      'ETH       Ethereum            3,232.00    ▲ +1.00 %    ▼ −0.50 %      3,300.00      3,100.00                    ▁█  20:14:03',
      '',
      'q quit   / filter   s ← → sort   r reverse   p pause   ↑ ↓ scroll   ? help',
    ]);
  });

  test('before the first rates', () => {
    const connection: Connection = { tone: 'wait', text: 'Connecting', ageMs: null, trouble: '' };
    const [title, , , first] = renderFrame(EMPTY, options({ connection }));
    expect([title, first]).toEqual(['crypto-client  ● Connecting · 0 rates · http://localhost:8000', 'No rates yet.']);
  });

  test('says what is wrong, and for how long', () => {
    const connection: Connection = {
      tone: 'bad',
      text: 'Offline, next attempt in 7 s',
      ageMs: 400_000,
      trouble: 'No\nanswer.',
    };
    expect(renderFrame(known, options({ connection })).slice(0, 2)).toEqual([
      'crypto-client  ● Offline, next attempt in 7 s · 3 rates · 6 min old · http://localhost:8000',
      'No answer.',
    ]);
  });

  test.each([
    [130, 'Symbol Name Rate USD Change 24 h High Low Trend UTC'],
    [112, 'Symbol Name Rate USD Change 24 h High Trend UTC'],
    [98, 'Symbol Name Rate USD Change 24 h Trend UTC'],
    [80, 'Symbol Rate USD Change 24 h Trend UTC'],
    [70, 'Symbol Rate USD Change 24 h Trend'],
    [60, 'Symbol Rate USD Change Trend'],
    [40, 'Symbol Rate USD Change'],
    [26, 'Symbol Rate USD'],
  ])('%p columns wide it has room for %p', (columns, headings) => {
    const [, , line = ''] = renderFrame(known, options({ size: { columns, rows: 8 } }));
    expect(
      line
        .replace('↑', '')
        .trim()
        .split(/ {2,}/)
        .map((heading) => heading.trim())
        .join(' '),
    ).toBe(headings);
  });

  test.each([
    [25, 24],
    [80, 4],
  ])('of %p by %p says that it is too small', (columns, rows) => {
    expect(renderFrame(known, options({ size: { columns, rows } }))[0]).toStartWith('The window is too small.');
  });

  test('in colours says the same; a change has an arrow and a colour', () => {
    const plain = renderFrame(known, options());
    const painted = renderFrame(known, options({ colour: true }));
    expect(painted.map(Bun.stripANSI)).toEqual([...plain]);
    expect(painted[3]).toContain('\u001b[31m▼ −1.00 %\u001b[0m');
    expect(painted[5]).toContain('\u001b[32m▲ +1.00 %\u001b[0m');
    expect(plain.join('')).not.toContain('\u001b');
  });

  test("keeps the server's words in their place, however wide they are, and without controls", () => {
    const state = withRates(EMPTY, [{ symbol: 'A\u001b[2J\u202eB', name: '安宁安宁安宁安宁', rate: 1 }]);
    const line = renderFrame(state, options())[3] ?? '';
    expect(line).toStartWith('A [2J B   安宁安宁安宁…         1.0000   ');
  });

  test('whatever is known and typed, it has as many lines as the screen, and none is wider', () => {
    const rate = fc.record({
      symbol: fc.string({ unit: 'grapheme' }),
      name: fc.string({ unit: 'grapheme' }),
      rate: fc.double({ noNaN: true, noDefaultInfinity: true }),
    });
    const trouble = fc.string({ unit: fc.constantFrom('安', 'a', '🙂', ' ', 'é') });
    const keys = fc.array(
      fc.constantFrom<Key>('/', 'a', 's', 'r', 'p', 'down', 'end', 'page-up', '?', 'enter', 'left'),
    );
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(
        fc.array(rate, { maxLength: 80 }),
        keys,
        size,
        fc.boolean(),
        trouble,
        (rates, typed, at, colour, trouble) => {
          const state = typed.reduce((now, key) => pressed(now, key, pageSize(at)) ?? now, withRates(known, rates));
          const lines = renderFrame(state, options({ size: at, colour, connection: { ...LIVE, trouble } }));
          expect(lines.length).toBe(at.rows);
          for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(at.columns);
        },
      ),
    );
  });
});

describe('the keys', () => {
  test.each([
    ['r', ['ETH', 'DOGE', 'BTC']],
    ['s', ['BTC', 'ETH', 'DOGE']],
    ['ss', ['BTC', 'ETH', 'DOGE']],
    ['\u001b[C\u001b[C\u001b[C', ['ETH', 'DOGE', 'BTC']],
    ['sssr', ['BTC', 'DOGE', 'ETH']],
    ['ssss', ['BTC', 'ETH', 'DOGE']],
    ['ssssr', ['ETH', 'BTC', 'DOGE']],
    ['\u001b[D', ['ETH', 'BTC', 'DOGE']],
    ['ssssssss', ['BTC', 'DOGE', 'ETH']],
  ])('%p sort: %p', (typed, order) => {
    expect(symbols(type(known, typed))).toEqual(order);
  });

  test('/ shows what has the text in its symbol or name, as it is typed', () => {
    expect(symbols(type(known, '/t'))).toEqual(['BTC', 'ETH']);
    expect(symbols(type(known, '/tc'))).toEqual(['BTC']);
    expect(symbols(type(known, '/ETHEREUM'))).toEqual(['ETH']);
    expect(symbols(type(known, '/tc\u007f'))).toEqual(['BTC', 'ETH']);
    expect(symbols(type(known, '/tc\u001b'))).toEqual(['BTC', 'DOGE', 'ETH']);
    const kept = type(known, '/eth\rs');
    expect([symbols(kept), kept.sort, kept.typing]).toEqual([['ETH'], 'name', false]);
    expect(renderFrame(kept, options())[1]).toBe('Filter: eth');
    expect(renderFrame(type(known, '/qqq'), options())[3]).toBe('No rate fits the filter.');
    expect(renderFrame(type(known, '/q'), options())[0]).toContain('0 of 3 rates');
  });

  test('p holds the view, counts what waits, and goes on with the latest', () => {
    const paused = withRates(withRates(type(known, 'p'), RATES), RATES);
    expect(shownRows(paused).map(({ rate }) => rate.rate)).toEqual([44550, 0.08, 3232]);
    expect(renderFrame(paused, options())[1]).toBe('Paused, 2 updates wait');
    expect(renderFrame(withRates(type(known, 'p'), RATES), options())[1]).toBe('Paused, 1 update waits');
    const on = type(paused, 'p');
    expect(shownRows(on).map(({ rate }) => rate.rate)).toEqual([45000, 0.08, 3200]);
    expect(shownRows(on)[0]?.history).toEqual([45000, 44550, 45000, 45000]);
    expect(renderFrame(on, options())[1]).toBe('');
  });

  test('arrows and pages scroll, no further than there is something', () => {
    const many = withRates(
      EMPTY,
      Array.from({ length: 30 }, (_, at) => ({ symbol: `C${10 + at}`, rate: at })),
    );
    const first = (state: WatchState): string =>
      renderFrame(state, options({ size: { columns: 80, rows: 14 } }))[3]?.slice(0, 3) ?? '';
    expect([first(many), first(type(many, '\u001b[A'))]).toEqual(['C10', 'C10']);
    expect(first(type(many, '\u001b[B\u001bOB'))).toBe('C12');
    expect(first(type(many, '\u001b[6~'))).toBe('C20');
    expect(first(type(many, '\u001b[6~\u001b[6~\u001b[6~\u001b[6~'))).toBe('C30');
    expect(first(type(many, '\u001b[F\u001b[A'))).toBe('C29');
    expect(first(type(many, '\u001b[F\u001b[5~\u001b[H'))).toBe('C10');
    // With fewer rows than before, the last page is full all the same.
    expect(first(withRates(type(many, '\u001b[F'), RATES))).toBe('BTC');
  });

  test('? explains the keys; any key goes back, and is no more than that', () => {
    const help = type(known, '?');
    expect(renderFrame(help, options({ size: { columns: 80, rows: 20 } })).join('\n')).toContain(
      'p           hold the view still',
    );
    expect(type(help, 's')).toEqual(known);
    expect(type(help, '\u001b')).toEqual(known);
  });

  test.each([
    ['q', 'q'],
    ['Esc', '\u001b'],
    ['Ctrl-C', '\u0003'],
    ['q in the help', '?q'],
    ['Ctrl-C in the filter', '/x\u0003'],
  ])('%s leaves', (_name, typed) => {
    const keys = readKeys(typed);
    const before = keys.slice(0, -1).reduce<WatchState | null>((now, key) => now && pressed(now, key, 10), known);
    expect([before !== null, pressed(before ?? EMPTY, keys.at(-1) ?? '', 10)]).toEqual([true, null]);
  });

  test('are told apart, and what means nothing is left out', () => {
    expect(readKeys('a\u001b[A\u001b[1;5C\u001b[200~é\u001b\u0001🙂\r')).toEqual([
      'a',
      'up',
      'é',
      'escape',
      '🙂',
      'enter',
    ]);
  });
});

test.each([
  [[], 3, '   '],
  [[5], 3, '  ▅'],
  [[1, 2, 3, 4, 5, 6, 7, 8], 8, '▁▂▃▄▅▆▇█'],
  [[8, 1, 4.5], 3, '█▁▅'],
  [[1, 9, 9, 1], 2, '█▁'],
  [[2, 2, 2], 3, '▅▅▅'],
  [[1, 2], 0, ''],
])('sparkline of %p in %p', (values, width, expected) => {
  expect(sparkline(values, width)).toBe(expected);
});

test('a row remembers so much and no more', () => {
  const many = Array.from({ length: 50 }, (_, rate) => [{ symbol: 'A', rate }]).reduce(withRates, EMPTY);
  expect(many.rows[0]?.history).toEqual(Array.from({ length: 20 }, (_, at) => 30 + at));
});

describe('the connection in words', () => {
  const next_attempt_at = new Date(12_500).toISOString();
  const common = { transport: null, seq: null, since: null, last_error: null, data_age_seconds: 1 };
  test.each([
    ['Connecting', 'wait', { state: 'starting', next_attempt_at: null }],
    ['Live', 'good', { state: 'live', next_attempt_at: null }],
    ['Reconnecting in 3 s', 'wait', { state: 'reconnecting', next_attempt_at }],
    ['Reconnecting', 'wait', { state: 'reconnecting', next_attempt_at: null }],
    ['Stale, next attempt in 3 s', 'bad', { state: 'stale', next_attempt_at }],
    ['Offline, next attempt in 3 s', 'bad', { state: 'offline', next_attempt_at }],
    ['Refused', 'bad', { state: 'refused', next_attempt_at }],
  ] as const)('%s', (text, tone, state) => {
    expect(connectionOf({ ...common, ...state }, 10_000)).toEqual({ text, tone, ageMs: 1_000, trouble: '' });
  });
});
