import { expect, test } from 'bun:test';
import { createStanding } from './standing';

/** Clients whose epochs are committed by hand, and read at once or when they are let go. */
function setUp() {
  const committed = new Map<string, number>();
  const held: (() => void)[] = [];
  let holding = false;
  const store = {
    raisedEpochs: async () => {
      const seen = new Map(committed);
      if (holding) await new Promise<void>((letGo) => held.push(letGo));
      return seen;
    },
    deletedSince: async () => [],
    ownLimits: async () => new Map<string, string>(),
  };
  const hold = (on: boolean): void => {
    holding = on;
  };
  const letGo = (): void => {
    for (const go of held.splice(0)) go();
  };
  return { standing: createStanding({ store, now: () => 0 }), committed, hold, held, letGo };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

test('a reading that was overtaken by a newer one does not bring dead tokens back', async () => {
  const { standing, committed, hold, held, letGo } = setUp();
  hold(true);
  const older = standing.changed(null);
  await turns();
  expect(held).toHaveLength(1);
  // Committed while nothing is heard: only reading again tells of it.
  committed.set('machine', 1);
  hold(false);
  const newer = standing.changed(null);
  await turns();
  letGo();
  await Promise.all([older, newer]);
  expect(standing.isCurrent('machine', 0)).toBe(false);
});

test('what is told while all is read is not undone by the reading', async () => {
  const { standing, hold, letGo } = setUp();
  hold(true);
  const reading = standing.changed(null);
  await turns();
  const telling = standing.changed({ kind: 'row', clientId: 'machine', epoch: 1, limitApi: '5/s' });
  letGo();
  await Promise.all([reading, telling]);
  expect(standing.isCurrent('machine', 0)).toBe(false);
  expect(standing.limitOf('machine')).toEqual({ count: 5, periodMs: 1_000 });
});
