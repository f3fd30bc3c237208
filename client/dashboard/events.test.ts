// What the page takes for the client's time, from the events that bring it.
import { describe, expect, test } from 'bun:test';
import { openEvents } from './page/events';

const NOON = Date.parse('2026-01-01T12:00:00.000Z');

/** Tells of rates made at each of these moments, so many milliseconds after the first; gives what the page takes for now. */
function heard(...told: readonly (readonly [atMs: number, elapsedMs: number])[]): number[] {
  const hearers = new Map<string, (event: unknown) => void>();
  const source = {
    addEventListener: (type: string, hear: (event: unknown) => void) => hearers.set(type, hear),
    close: () => {},
  };
  const times: number[] = [];
  let elapsedMs = 0;
  openEvents(
    { open: () => source as unknown as EventSource, elapsed: () => elapsedMs, schedule: () => () => {} },
    {
      snapshot: () => {},
      update: (_, clientMs) => times.push(clientMs - NOON),
      status: () => {},
      alive: () => {},
      signedOut: () => {},
      lost: () => {},
    },
  );
  for (const [atMs, passedMs] of told) {
    elapsedMs = passedMs;
    const at = new Date(NOON + atMs).toISOString();
    hearers.get('update')?.({ data: JSON.stringify({ rates: [], at }) });
  }
  return times;
}

describe("the client's time", () => {
  test('goes on by itself, and an event that comes late does not set it back', () => {
    expect(heard([0, 0], [1_000, 1_000], [2_000, 5_000])).toEqual([0, 1_000, 5_000]);
  });

  test('is set forward by an event that says more', () => {
    expect(heard([0, 900], [2_000, 2_000])).toEqual([0, 2_000]);
  });

  test("is set back when the client's clock was", () => {
    expect(heard([0, 0], [-3_600_000, 5_000], [-3_595_000, 10_000])).toEqual([0, -3_600_000, -3_595_000]);
  });
});
