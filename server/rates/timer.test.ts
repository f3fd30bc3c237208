import { expect, test } from 'bun:test';
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
