// The table of revoked ids against a plain map, whatever is done in whatever order.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { createTimedIds } from './timed-ids';

const part = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
/** Many begin alike, and so stand in each other's place. */
const id = fc
  .tuple(fc.oneof(fc.constantFrom('00000000', 'ffffffff', '0000003f'), part(8)), part(4), part(4), part(4), part(12))
  .map((parts) => parts.join('-'));
const near = fc
  .tuple(id, fc.constantFrom(0, 7, 9, 12, 14, 19, 24, 28, 35), part(1))
  .map(([one, at, digit]) => one.slice(0, at) + digit + one.slice(at + 1));
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ set: fc.oneof(id, near), seconds: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 1, arbitrary: fc.record({ forget: fc.integer({ min: 0, max: 50 }) }) },
);

test('it knows what a map would know, and no id that differs in a digit', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.array(fc.oneof(id, near)), (steps, others) => {
      const [ids, model] = [createTimedIds(), new Map<string, number>()];
      for (const one of steps) {
        if ('set' in one) {
          ids.set(one.set, one.seconds);
          model.set(one.set, one.seconds);
        } else {
          ids.forget(one.forget);
          for (const [known, seconds] of model) if (seconds <= one.forget) model.delete(known);
        }
        expect(ids.size()).toBe(model.size);
      }
      const asked = [...model.keys()].flatMap((known) => [
        known,
        changed(known, 0),
        changed(known, 14),
        changed(known, 35),
      ]);
      for (const one of [...asked, ...others]) expect(ids.has(one)).toBe(model.has(one));
    }),
  );
});

test('a hundred thousand, and then none', () => {
  const ids = createTimedIds();
  const all = Array.from({ length: 100_000 }, () => crypto.randomUUID());
  for (const one of all) ids.set(one, 7);
  expect([ids.size(), all.every(ids.has), ids.has(crypto.randomUUID())]).toEqual([100_000, true, false]);
  ids.forget(7);
  expect([ids.size(), all.some(ids.has)]).toEqual([0, false]);
});

/** The next digit at that place. */
function changed(uuid: string, at: number): string {
  const next = (Number.parseInt(uuid[at] ?? '', 16) + 1) % 16;
  return uuid.slice(0, at) + next.toString(16) + uuid.slice(at + 1);
}
