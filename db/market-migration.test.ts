// A database of the version before the history of the market: its candles of a minute are taken over, and make the longer ones.
import { expect, test } from 'bun:test';
import { asc, eq, sql } from 'drizzle-orm';
import { candles } from './schema';
import { eachDatabase } from './testing';
import { goBack } from './testing-versions';

const MINUTE_MS = 60_000;

eachDatabase('candles of an older version', (open) => {
  test('are kept, and the longer ones are what their ticks say', async () => {
    const database = await open();
    await goBack(database, '0002_authorization_server');
    const minutes = Array.from({ length: 400 }, (_, at) => ({
      at: Date.UTC(2026, 0, 1, 20) + ((at * 7) % 400) * MINUTE_MS + (at % 3) * 1_440 * MINUTE_MS,
      open: 100 + ((at * 37) % 91) / 8,
      close: 100 + ((at * 53) % 97) / 8,
    }));
    const list = JSON.stringify(minutes.map((minute) => ({ ...minute, at: new Date(minute.at).toISOString() })));
    await database.rows.execute(
      sql`insert into candles_1m select 1, at, open, greatest(open, close), least(open, close), close, 20
        from json_to_recordset(${list}::json) as minute(at timestamptz, open numeric, close numeric)`,
    );
    await database.migrate();
    for (const length of [1, 5, 15, 60, 240, 1440]) {
      const found = await database.rows
        .select()
        .from(candles)
        .where(eq(candles.minutes, length))
        .orderBy(asc(candles.openTime));
      const buckets = Map.groupBy(
        minutes.toSorted((a, b) => a.at - b.at),
        ({ at }) => Math.floor(at / length / MINUTE_MS) * length * MINUTE_MS,
      );
      expect(
        found.map(({ openTime, open, high, low, close, ticks }) => [
          openTime.getTime(),
          Number(open),
          Number(high),
          Number(low),
          Number(close),
          ticks,
        ]),
      ).toEqual(
        [...buckets].map(([opens, within]) => [
          opens,
          within[0]!.open,
          Math.max(...within.flatMap(({ open, close }) => [open, close])),
          Math.min(...within.flatMap(({ open, close }) => [open, close])),
          within.at(-1)!.close,
          20 * within.length,
        ]),
      );
    }
  });
});
