import { describe, expect, test } from 'bun:test';
import { captureLog } from '../../kit/testing';
import { tickTimer } from './index';

/** A clock that goes on by two milliseconds whenever it is read, as that of a busy machine may. */
class RunningDate extends Date {
  static ms = 0;
  static override now = (): number => {
    RunningDate.ms += 2;
    return RunningDate.ms;
  };
  constructor(...given: []) {
    super(...((given.length === 0 ? [RunningDate.now()] : given) as []));
  }
}

/** A clock that stands still. */
class StandingDate extends Date {
  static ms = 0;
  static override now = (): number => StandingDate.ms;
  constructor(...given: []) {
    super(...((given.length === 0 ? [StandingDate.ms] : given) as []));
  }
}

test('the timer waits for a moment that is still to come, in whatever millisecond it is made', async () => {
  const warnings: string[] = [];
  const hear = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on('warning', hear);
  const RealDate = globalThis.Date;
  globalThis.Date = RunningDate as unknown as DateConstructor;
  try {
    for (let before = 1; before < 20; before++) {
      RunningDate.ms = 1_767_225_600_000 - before;
      const ticker = { tick: () => Promise.resolve(null), settled: () => Promise.resolve() };
      const { log } = captureLog('timer');
      tickTimer({ ticker, periodSeconds: 3, log, now: RunningDate.now }).store.cron.tick.stop();
    }
  } finally {
    globalThis.Date = RealDate;
  }
  // Warnings are given in a later turn of the loop.
  await new Promise((resolve) => setTimeout(resolve, 0));
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});

describe('the next tick', () => {
  /** What the timer waits for at a moment, in milliseconds, when it was made and started at another one, in Berlin. */
  const waitMs = async (startedAt: number, askedAt: number): Promise<number | null> => {
    const [RealDate, zone] = [globalThis.Date, Bun.env['TZ']];
    const ticker = { tick: () => Promise.resolve(null), settled: () => Promise.resolve() };
    globalThis.Date = StandingDate as unknown as DateConstructor;
    Bun.env['TZ'] = 'Europe/Berlin';
    StandingDate.ms = startedAt;
    const { log } = captureLog('timer');
    const app = tickTimer({ ticker, periodSeconds: 3, log, now: StandingDate.now });
    try {
      app.listen({ hostname: '127.0.0.1', port: 0 });
      StandingDate.ms = askedAt;
      return app.store.cron.tick.msToNext();
    } finally {
      globalThis.Date = RealDate;
      if (zone === undefined) delete Bun.env['TZ'];
      else Bun.env['TZ'] = zone;
      await app.stop(true);
    }
  };

  test('is not put off by a clock that is set back to before the start', async () => {
    const startedAt = Date.UTC(2026, 0, 1, 12);
    expect(await waitMs(startedAt, startedAt - 3_600_000)).toBe(1_000);
  });

  test('is not put off by the end of summer time', async () => {
    // At three o'clock it is two again.
    const threeAt = Date.UTC(2026, 9, 25, 1);
    expect(await waitMs(threeAt - 60_000, threeAt - 500)).toBe(500);
  });
});
