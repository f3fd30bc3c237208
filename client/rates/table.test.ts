import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readRates } from './model';
import { formatChange, formatRate, renderLine, renderTable } from './table';

const BTC = {
  symbol: 'BTC',
  name: 'Bitcoin',
  rate: 44997.11,
  change_24h: -0.0064,
  updated_at: '2026-01-01T12:34:56.000Z',
};
const DOGE = { symbol: 'DOGE', name: 'Dogecoin', rate: 0.08, change_24h: 1.5, updated_at: '2026-01-01T12:34:56.000Z' };

describe('the table', () => {
  test('shows each rate on a line', () => {
    const table = renderTable(
      [BTC, DOGE],
      [
        { ...BTC, rate: 45000 },
        { ...DOGE, rate: 0.07 },
      ],
      { colour: false },
    );
    expect(table.split('\n')).toEqual([
      'Symbol  Name       Rate USD      Change       24 h  Time UTC',
      'BTC     Bitcoin   44,997.11   ▼ −0.01 %  ▼ −0.01 %  12:34:56',
      'DOGE    Dogecoin   0.080000  ▲ +14.29 %  ▲ +1.50 %  12:34:56',
      '',
    ]);
  });

  test('says nothing of a change when there was no view before', () => {
    expect(renderTable([BTC], null, { colour: false })).toContain('–');
  });

  test('shows rates of an older server that sends less', () => {
    const table = renderTable([{ symbol: 'BTC', rate: 1 }], null, { colour: false });
    expect(table).toContain('BTC');
    expect(table).not.toContain('undefined');
    expect(table).not.toContain('NaN');
  });

  test('colours what rises and what falls, on a terminal only', () => {
    const rates = [BTC, DOGE];
    expect(renderTable(rates, null, { colour: true })).toContain('\u001b[32m▲ +1.50 %\u001b[0m');
    expect(renderTable(rates, null, { colour: true })).toContain('\u001b[31m▼');
    expect(renderTable(rates, null, { colour: false })).not.toContain('\u001b');
  });

  test("lets no word of the server's move the cursor", () => {
    const table = renderTable([{ ...BTC, symbol: 'B\u001b[2J', name: 'x\r\n\u009by' }], null, { colour: false });
    expect(table.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(table.split('\n')).toHaveLength(3);
  });

  test('is aligned whatever the names: all columns begin at the same place', () => {
    const name = fc.string({ unit: 'grapheme', maxLength: 30 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ name, rate: fc.double({ min: 1e-9, max: 1e9, noNaN: true }) }), { minLength: 1 }),
        (items) => {
          const rates = items.map((item) => ({ ...BTC, ...item }));
          const lines = renderTable(rates, rates, { colour: false }).trimEnd().split('\n');
          expect(new Set(lines.map((line) => Bun.stringWidth(line))).size).toBe(1);
        },
      ),
    );
  });
});

test('the line is one line of JSON', () => {
  const line = renderLine([BTC], Date.parse('2026-01-01T00:00:00Z'));
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({ at: '2026-01-01T00:00:00.000Z', rates: [BTC] });
});

describe('numbers', () => {
  test.each([
    [44997.11, '44,997.11'],
    [144, '144.00'],
    [7.2, '7.2000'],
    [0.55, '0.550000'],
    [0.00001234567, '0.00001235'],
    [0, '0.000000'],
  ])('rate %p is %p', (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  test.each([
    [0.214, '▲ +0.21 %'],
    [-12.3456, '▼ −12.35 %'],
    [0.001, '0.00 %'],
    [-0.001, '0.00 %'],
    [0, '0.00 %'],
  ])('change %p is %p', (percent, text) => {
    expect(formatChange(percent)).toBe(text);
  });
});

describe('an answer of the server', () => {
  test('is taken as it is', () => {
    const data = [{ ...BTC, extra: 1 }];
    expect(readRates(data)).toBe(data);
  });

  test.each([
    'null',
    '{}',
    '"BTC"',
    '[null]',
    '[{"symbol":"BTC"}]',
    '[{"symbol":1,"rate":1}]',
    '[{"symbol":"B","rate":"1"}]',
  ])('%s is no list of rates', (json) => {
    expect(readRates(JSON.parse(json))).toBeNull();
  });
});
