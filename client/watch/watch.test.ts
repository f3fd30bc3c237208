// What is sent to a terminal, and what becomes of it when something goes wrong.
import { describe, expect, test } from 'bun:test';
import { createWorld } from '../testing/world';
import { watch } from './index';
import type { Terminal } from './terminal';

const ENTERED = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEFT = '\u001b[?7h\u001b[?25h\u001b[?1049l';

function open() {
  const world = createWorld();
  const heard = new Map<string, (text: string) => void>();
  const listen = (name: string) => (hear: (text: string) => void) => {
    heard.set(name, hear);
    return () => void heard.delete(name);
  };
  const seen = { sent: [] as string[], raw: false, broken: false, suspended: 0 };
  const terminal: Terminal = {
    size: () => {
      if (seen.broken) throw new Error('no size');
      return { columns: 80, rows: 8 };
    },
    write: (text) => void seen.sent.push(text),
    raw: (on) => {
      seen.raw = on;
    },
    onInput: listen('input'),
    onResize: listen('resize'),
    onSignal: (signal, hear) => listen(signal)(hear),
    onExit: listen('exit'),
    suspend: () => {
      seen.suspended++;
    },
  };
  let rates = [{ symbol: 'BTC', rate: 45000 }];
  const watched = {
    rates: () => rates,
    connection: () => ({ tone: 'good', text: 'Live', ageMs: 0, trouble: '' }) as const,
    source: 'http://localhost:8000',
  };
  const watching = watch(watched, { terminal, schedule: world.schedule, colour: false });
  const say = (name: string, text = ''): void => heard.get(name)?.(text);
  const change = (rate: number): void => {
    rates = [{ symbol: 'BTC', rate }];
  };
  return { world, seen, heard, watching, say, change };
}

describe('what is sent', () => {
  test('is the whole screen at first, and then only the lines that have changed', async () => {
    const { world, seen, change } = open();
    expect([seen.sent[0], seen.raw, seen.sent.length]).toEqual([ENTERED, true, 2]);
    expect(seen.sent[1]?.split(';1H').length).toBe(9);
    await world.pass(2_000);
    expect(seen.sent.length).toBe(2);
    change(46000);
    await world.pass(250);
    expect(seen.sent[2]).toStartWith('\u001b[?2026h\u001b[4;1HBTC');
    expect(seen.sent[2]?.split(';1H').length).toBe(2);
  });

  test.each([
    ['a resize', 'resize', ''],
    ['Ctrl-L', 'input', '\u000c'],
  ])('is everything anew after %s', (_name, event, text) => {
    const { seen, say } = open();
    say(event, text);
    expect(seen.sent.at(-1)?.split(';1H').length).toBe(9);
  });
});

describe('the terminal is given back', () => {
  test('when the person leaves, once, and nothing goes on', async () => {
    const { world, seen, heard, watching, say } = open();
    say('input', 'q');
    await watching.left;
    watching.close();
    await world.pass(1_000);
    expect([seen.sent.at(-1), seen.sent.filter((text) => text === LEFT).length, seen.raw]).toEqual([LEFT, 1, false]);
    expect([world.timers(), [...heard.keys()]]).toEqual([[], []]);
  });

  test.each(['while it waits', 'at a key', 'at a resize'])('when drawing fails %s', async (when) => {
    const { world, seen, watching, say } = open();
    const failed = watching.left.catch((error: Error) => error.message);
    seen.broken = true;
    if (when === 'at a key') say('input', 's');
    else if (when === 'at a resize') say('resize');
    else await world.pass(250);
    expect([await failed, seen.sent.at(-1), seen.raw]).toEqual(['no size', LEFT, false]);
  });

  test('when the process ends', () => {
    const { seen, say } = open();
    say('exit');
    expect([seen.sent.at(-1), seen.raw]).toEqual([LEFT, false]);
  });

  test('while it is stopped, and taken again after that', async () => {
    const { world, seen, say } = open();
    say('input', '\u001a');
    expect([seen.sent.at(-1), seen.raw, seen.suspended]).toEqual([LEFT, false, 1]);
    await world.pass(1_000);
    expect(seen.sent.at(-1)).toBe(LEFT);
    say('SIGCONT');
    expect([seen.sent.at(-2), seen.raw]).toEqual([ENTERED, true]);
    expect(seen.sent.at(-1)?.split(';1H').length).toBe(9);
  });
});
