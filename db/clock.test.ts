import { expect, test } from 'bun:test';
import { createDatabaseClock } from './clock';
import { eachDatabase } from './testing';

eachDatabase('the clock of the database', (open) => {
  test('is read in milliseconds since the epoch', async () => {
    const read = createDatabaseClock((await open()).rows);
    // It runs on this machine.
    expect(Math.abs((await read()) - (performance.timeOrigin + performance.now()))).toBeLessThan(5_000);
  });
});
