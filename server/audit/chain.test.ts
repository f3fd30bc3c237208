// The chain without a database: whatever is done to one row, the check finds it.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { canonicalJson, storableDetails } from './canonical';
import { type AuditDraft, type AuditRecord, type ChainEnds, createChain } from './chain';
import { checkExtent, createFollower } from './verify';

const chain = createChain(Buffer.alloc(32, 1));
const EMPTY = chain.seal({ prunedSeq: 0, prunedHash: '', lastSeq: 0, lastHash: '' });

const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('', 'a', 'b', '","', 'null'));
const orNull = fc.option(text, { nil: null });
const drafts = fc.record({
  at: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
  event: text,
  outcome: fc.constantFrom('success' as const, 'failure' as const),
  reason: orNull,
  actor: text,
  clientId: orNull,
  address: orNull,
  requestId: orNull,
  count: fc.integer({ min: 1, max: 100 }),
  details: fc.dictionary(
    text,
    fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })),
  ),
}) satisfies fc.Arbitrary<AuditDraft>;
const trails = fc.array(drafts, { minLength: 1, maxLength: 8 });

interface Trail {
  readonly records: readonly AuditRecord[];
  readonly ends: ChainEnds;
}

/** What is wrong with these rows, as the check of the whole trail would say. */
function faultOf({ records, ends }: Trail): string | null {
  const sorted = records.toSorted((a, b) => a.seq - b.seq);
  const [firstSeq, lastSeq] = [sorted.at(0)?.seq ?? null, sorted.at(-1)?.seq ?? null];
  const extent = { ends, firstSeq, lastSeq, nearSeq: lastSeq, hashes: new Map() };
  const follower = createFollower(chain, ends);
  let fault = checkExtent(chain, extent);
  for (const record of sorted) fault ??= follower.follow(record);
  return (fault ?? follower.end())?.what ?? null;
}

const FIELDS = [
  'at',
  'event',
  'outcome',
  'reason',
  'actor',
  'clientId',
  'address',
  'requestId',
  'count',
  'details',
  'hash',
] as const;
const same = (a: unknown, b: unknown): boolean =>
  canonicalJson({ of: JSON.parse(JSON.stringify(a)) }) === canonicalJson({ of: JSON.parse(JSON.stringify(b)) });

describe('the chain', () => {
  test('holds when nobody touched it, also when it was written in pieces and stayed in jsonb', () => {
    fc.assert(
      fc.property(trails, trails, (first, second) => {
        const [a] = [chain.extend(EMPTY, first)];
        const b = chain.extend(a.ends, second);
        const records = [...a.records, ...b.records].map((record) => ({
          ...record,
          // Members come back in another order.
          details: Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(record.details))).toReversed()),
        }));
        expect(faultOf({ records, ends: b.ends })).toBeNull();
      }),
    );
  });

  test('a changed field of one row is found', () => {
    fc.assert(
      fc.property(trails, fc.nat(), fc.constantFrom(...FIELDS), drafts, text, (all, at, field, other, hash) => {
        const { records, ends } = chain.extend(EMPTY, all);
        const index = at % records.length;
        const value = { ...other, hash }[field];
        fc.pre(!same(records[index]?.[field], value));
        const changed = records.map((record, of) => (of === index ? { ...record, [field]: value } : record));
        expect(faultOf({ records: changed, ends })).toStartWith(`Event ${index + 1} was changed`);
      }),
      { numRuns: 1_000 },
    );
  });

  test('a removed, repeated, moved or added row is found', () => {
    fc.assert(
      fc.property(trails, fc.nat(), fc.integer({ min: -3, max: 12 }), drafts, (all, at, seq, draft) => {
        const { records, ends } = chain.extend(EMPTY, all);
        const index = at % records.length;
        const chosen = records[index]!;
        expect(faultOf({ records: records.filter((record) => record !== chosen), ends })).toContain('is missing');
        if (seq !== chosen.seq) {
          const moved = records.map((record) => (record === chosen ? { ...record, seq } : record));
          expect(faultOf({ records: moved, ends })).not.toBeNull();
          expect(faultOf({ records: [...records, { ...chosen, seq }], ends })).not.toBeNull();
        }
        // Added by somebody without the key, in front, in between or behind.
        const forged = createChain(Buffer.alloc(32, 2)).extend({ ...ends, lastSeq: seq }, [draft]).records;
        expect(faultOf({ records: [...records, ...forged], ends })).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('changed ends are found, whatever was changed', () => {
    fc.assert(
      fc.property(
        trails,
        fc.constantFrom('prunedSeq', 'lastSeq'),
        fc.integer({ min: 0, max: 20 }),
        text,
        (all, field, seq, mac) => {
          const { records, ends } = chain.extend(EMPTY, all);
          fc.pre(ends[field] !== seq);
          for (const change of [{ [field]: seq }, { mac }, { lastHash: mac }, { prunedHash: `x${mac}` }])
            expect(faultOf({ records, ends: { ...ends, ...change } })).toStartWith('The record of where');
        },
      ),
    );
  });

  test('what was not sealed is never sealed again by writing more', () => {
    const { ends } = chain.extend({ ...EMPTY, mac: '' }, [draftOf('a')]);
    expect(chain.isSealed(ends)).toBe(false);
    expect(chain.isSealed(chain.extend(ends, [draftOf('b')]).ends)).toBe(false);
  });

  test('details are bounded, and nothing but JSON', () => {
    const details = storableDetails({
      ...Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`name_${at}`, 'x'.repeat(1_000)])),
    });
    expect(Object.keys(details).length).toBe(32);
    expect(JSON.stringify(details).length).toBeLessThan(10_000);
  });
});

function draftOf(event: string): AuditDraft {
  const nobody = { reason: null, clientId: null, address: null, requestId: null };
  return { at: new Date(0), event, outcome: 'success', actor: 'admin', count: 1, details: {}, ...nobody };
}
