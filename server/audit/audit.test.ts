// The audit trail on both databases: what is kept, how it is gathered, found, pruned and verified.
import { beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { asc, eq, gt, sql } from 'drizzle-orm';
import type { Database } from '../../db/connect';
import { auditChain, auditEvents, clients, deletedClients } from '../../db/schema';
import { eachDatabase } from '../../db/testing';
import { createLog } from '../../kit/logs';
import { START_MS } from '../testing';
import type { AuditRecord, Head } from './chain';
import type { RecordedEvent } from './drafts';
import { CSV, NDJSON, writeTrail } from './format';
import type { KeptHead } from './head';
import { type Audit, createAudit } from './service';
import { type AuditFilter, createAuditStore } from './store';

const KEY = { secret: Buffer.alloc(32, 7), made: true };
const ALL: AuditFilter = { client: null, event: null, outcome: null, requestId: null, from: null, to: null };
const RETENTION_MS = 400 * 86_400_000;

const success = (event: string, more: Partial<RecordedEvent> = {}): RecordedEvent => ({
  event,
  outcome: 'success',
  actor: 'admin',
  address: '192.0.2.1',
  requestId: 'request-1',
  ...more,
});
const failure = (requestId: string, more: Partial<RecordedEvent> = {}): RecordedEvent => ({
  event: 'client_authentication',
  outcome: 'failure',
  reason: 'secret_wrong',
  clientId: 'machine',
  address: '192.0.2.1',
  requestId,
  ...more,
});

/** A place for a head that outlives a server, as a file does. */
const keeping = (): KeptHead => {
  let kept: Head | null = null;
  return {
    read: () => kept,
    write: (head) => {
      kept = head;
    },
  };
};

interface More {
  readonly queueMax?: number;
  readonly key?: typeof KEY;
  readonly kept?: KeptHead;
  /** Writes that break first. */
  readonly failing?: number;
  /** The clock that all servers share; the server's own when left out. */
  readonly calendarMs?: number;
  /** The clock that never steps; it stands still when left out. */
  readonly elapsed?: () => number;
}

interface Trail extends Audit {
  readonly logged: string[];
  pass(ms: number): void;
}

eachDatabase('the audit trail', (open) => {
  let database: Database;
  let nowMs = START_MS;
  const make = (more: More = {}): Trail => {
    const logged: string[] = [];
    const log = createLog({
      service: 'crypto-server',
      version: '0',
      level: 'debug',
      format: 'json',
      write: (line) => void logged.push(line),
      now: () => nowMs,
      colour: false,
    });
    const store = createAuditStore(database.rows);
    // As when the connection breaks in the middle: what was built is not kept.
    let failing = 0;
    const extend: typeof store.extend = (build, ...known) =>
      store.extend(
        (extent) => {
          const extension = build(extent);
          if (extent.firstSeq !== null && failing++ < (more.failing ?? 0)) throw new Error('broken');
          return extension;
        },
        ...known,
      );
    const audit = createAudit({
      store: { ...store, extend },
      key: () => more.key ?? KEY,
      kept: more.kept ?? keeping(),
      retentionMs: RETENTION_MS,
      now: () => nowMs,
      calendar: async () => more.calendarMs ?? nowMs,
      elapsed: more.elapsed ?? (() => 0),
      log,
      queueMax: more.queueMax ?? 10_000,
    });
    return {
      ...audit,
      logged,
      pass: (ms) => {
        nowMs += ms;
      },
    };
  };
  const events = (): Promise<AuditRecord[]> => database.rows.select().from(auditEvents).orderBy(asc(auditEvents.seq));
  const wipe = async (): Promise<void> => {
    await database.rows.delete(auditEvents);
    await database.rows.delete(auditChain);
    await database.rows.insert(auditChain).values({ id: 1 });
  };
  beforeAll(async () => {
    database = await open();
  });
  beforeEach(wipe);

  describe('record', () => {
    test('a success is committed when the promise resolves, with all that is known of it', async () => {
      const audit = make();
      await audit.open();
      await audit.record(success('secret_created', { clientId: 'machine', details: { label: 'new', secret_id: 7 } }));
      expect(await events()).toEqual([
        {
          seq: 1,
          at: new Date(nowMs),
          event: 'secret_created',
          outcome: 'success',
          reason: null,
          actor: 'admin',
          clientId: 'machine',
          address: '192.0.2.1',
          requestId: 'request-1',
          count: 1,
          details: { label: 'new', secret_id: 7 },
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      ]);
      await audit.close();
    });

    test('hostile texts are kept and hold: NUL, half characters, numbers and names that jsonb writes otherwise', async () => {
      const audit = make();
      await audit.open();
      await audit.record(
        success('client_updated', {
          actor: 'a\u0000b\ud800',
          details: {
            zz: 1e21,
            a: 1e-7,
            é: '\u0000 "\\ \ud83d',
            '': -0,
            __proto__x: true,
            constructor: null,
            scopes: ['b', 'a', '\udfff'],
            endless: Number.POSITIVE_INFINITY,
            long: 'x'.repeat(100_000),
          },
        }),
      );
      expect(await audit.verify()).toMatchObject({ fault: null, events: 1 });
      await audit.close();
    });

    test('a secret in details or reason is not kept', async () => {
      const audit = make();
      await audit.open();
      await audit.record(
        success('x', { reason: 'client_secret=hunter2hunter2', details: { client_secret: 'hunter2hunter2' } }),
      );
      expect(JSON.stringify(await events())).not.toContain('hunter2');
      await audit.close();
    });

    test('many at once, from two servers on one database, make one chain without holes', async () => {
      const [a, b] = [make(), make()];
      await a.open();
      await b.open();
      const of = (audit: Audit, name: string) =>
        Promise.all(
          Array.from({ length: 60 }, async (_, at) => {
            await Bun.sleep(at);
            await audit.record(success(name, { requestId: `${name}-${at}` }));
          }),
        );
      await Promise.all([of(a, 'from_a'), of(b, 'from_b')]);
      const all = await events();
      expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
      expect(await a.verify()).toMatchObject({ fault: null, events: 120 });
      expect([a.state().intact, b.state().intact]).toEqual([true, true]);
      await a.close();
      await b.close();
    });
  });

  describe('failures', () => {
    test('of one client, address and reason are gathered per minute, and each is found by its request id', async () => {
      const audit = make();
      await audit.open();
      for (const at of Array.from({ length: 30 }).keys()) await audit.record(failure(`request-${at}`));
      await audit.record(failure('other-reason', { reason: 'secret_ended' }));
      await audit.record(failure('other-address', { address: '192.0.2.2' }));
      await audit.flush();
      expect((await events()).map(({ requestId, count }) => [requestId, count])).toEqual([
        ['request-0', 1],
        ['other-reason', 1],
        ['other-address', 1],
      ]);
      audit.pass(59_999);
      await audit.record(failure('request-30'));
      audit.pass(1);
      await audit.close();
      const gathered = (await events()).at(-1);
      expect(gathered).toMatchObject({ requestId: null, count: 30, reason: 'secret_wrong', clientId: 'machine' });
      expect(gathered?.details).toEqual({
        first_at: new Date(nowMs - 60_000).toISOString(),
        last_at: new Date(nowMs - 1).toISOString(),
        request_ids: Array.from({ length: 20 }, (_, at) => `request-${at + 1}`),
      });
      const found = async (requestId: string) =>
        (await audit.page({ ...ALL, requestId, cursor: null, limit: 10 })).items.map(({ seq }) => seq);
      expect([await found('request-0'), await found('request-20'), await found('request-9999')]).toEqual([
        [1],
        [4],
        [],
      ]);
      expect((await audit.verify()).fault).toBeNull();
    });

    test('are all found by their request ids before the minute is over, each with what is known of it', async () => {
      const audit = make();
      await audit.open();
      for (const scope of ['s1', 's2', 's3']) await audit.record(failure(`request-${scope}`, { details: { scope } }));
      await audit.record(failure('request-plain'));
      const found = async (requestId: string) =>
        (await audit.page({ ...ALL, requestId, cursor: null, limit: 10 })).items.map(({ count, details }) => ({
          count,
          details,
        }));
      const at = new Date(nowMs).toISOString();
      const gathered = {
        first_at: at,
        last_at: at,
        request_ids: ['request-s2', 'request-s3', 'request-plain'],
        requests: { 'request-s2': { scope: 's2' }, 'request-s3': { scope: 's3' } },
      };
      expect(await found('request-s1')).toEqual([{ count: 1, details: { scope: 's1' } }]);
      for (const id of gathered.request_ids) expect(await found(id)).toEqual([{ count: 3, details: gathered }]);
      // The minute goes on: who looks often does not make the trail longer for a guesser.
      await audit.record(failure('request-s5'));
      await audit.record(failure('request-s6'));
      expect(await found('request-s6')).toMatchObject([{ count: 2 }]);
      expect((await events()).map(({ count }) => count)).toEqual([1, 3, 2]);
      expect((await audit.verify()).fault).toBeNull();
      await audit.close();
    });

    test('have room for a bounded amount of what callers write, under whatever request id', async () => {
      const audit = make();
      await audit.open();
      const scope = 'x'.repeat(1_000);
      for (const at of Array.from({ length: 21 }).keys())
        await audit.record(failure(`request-${at}`, { details: { scope } }));
      await audit.record(failure('first', { reason: 'other', details: { scope } }));
      await audit.record(failure('__proto__', { reason: 'other', details: { scope: 'y' } }));
      await audit.close();
      const [gathered, odd] = (await events()).filter(({ requestId }) => requestId === null);
      expect(Object.keys(gathered?.details['requests'] ?? {}).length).toBeLessThan(16);
      expect(JSON.stringify(gathered?.details).length).toBeLessThan(6_000);
      expect(JSON.stringify(odd?.details)).toContain('"__proto__":{"scope":"y"}');
      expect((await audit.verify()).fault).toBeNull();
    });

    test('begin anew after the minute', async () => {
      const audit = make();
      await audit.open();
      await audit.record(failure('first'));
      audit.pass(60_000);
      await Bun.sleep(450);
      await audit.record(failure('second'));
      await audit.flush();
      expect((await events()).map(({ requestId, count }) => [requestId, count])).toEqual([
        ['first', 1],
        ['second', 1],
      ]);
      await audit.close();
    });
  });

  describe('a full queue', () => {
    test('drops the oldest failures first, and says how many', async () => {
      const audit = make({ queueMax: 5 });
      for (const at of Array.from({ length: 8 }).keys())
        await audit.record(failure(`request-${at}`, { reason: `reason_${at}` }));
      await audit.record(success('secret_revoked'));
      expect(audit.state()).toMatchObject({ queued: 5, lost: 4 });
      await audit.open();
      await audit.close();
      expect((await events()).map(({ event, reason, count }) => [event, reason, count])).toEqual([
        ['audit_lost', 'queue_full', 4],
        ['client_authentication', 'reason_4', 1],
        ['client_authentication', 'reason_5', 1],
        ['client_authentication', 'reason_6', 1],
        ['client_authentication', 'reason_7', 1],
        ['secret_revoked', null, 1],
      ]);
    });
  });

  describe('verify', () => {
    const written = async (count = 6): Promise<Trail> => {
      const audit = make();
      await audit.open();
      for (const at of Array.from({ length: count }).keys()) await audit.record(success(`event_${at + 1}`));
      return audit;
    };
    const row = (seq: number) => eq(auditEvents.seq, seq);
    const rows = () => database.rows;
    const tamperings: [string, (audit: Trail) => Promise<unknown>, RegExp][] = [
      ['a changed reason', () => rows().update(auditEvents).set({ reason: 'x' }).where(row(3)), /^Event 3 was changed/],
      [
        'a changed time',
        () =>
          rows()
            .update(auditEvents)
            .set({ at: new Date(0) })
            .where(row(3)),
        /^Event 3 was changed/,
      ],
      [
        'a changed detail',
        () =>
          rows()
            .update(auditEvents)
            .set({ details: { a: 1 } })
            .where(row(3)),
        /^Event 3 was changed/,
      ],
      [
        'a changed hash',
        () =>
          rows()
            .update(auditEvents)
            .set({ hash: 'f'.repeat(64) })
            .where(row(6)),
        /^Event 6 was changed/,
      ],
      ['a removed event', () => rows().delete(auditEvents).where(row(3)), /^Event 3 is missing/],
      ['a removed first event', () => rows().delete(auditEvents).where(row(1)), /^Event 1 is missing/],
      ['a cut tail', () => rows().delete(auditEvents).where(gt(auditEvents.seq, 4)), /^Event 5 is missing/],
      ['everything removed', () => rows().delete(auditEvents), /^Event 1 is missing/],
      ['everything wiped, and the ends as they were at first', wipe, /^The record of where/],
      [
        'a cut tail with the ends set back',
        async () => {
          const last = (await events())[3];
          await rows().delete(auditEvents).where(gt(auditEvents.seq, 4));
          await rows()
            .update(auditChain)
            .set({ lastSeq: 4, lastHash: last?.hash ?? '' });
        },
        /^The record of where/,
      ],
      ['the record of the ends removed', () => rows().delete(auditChain), /^The record of where/],
      [
        'an event behind the end',
        async () =>
          rows()
            .insert(auditEvents)
            .values({ ...(await events())[5]!, seq: 7 }),
        /^Event 7 stands behind the end/,
      ],
      [
        'an event before the begin',
        async () =>
          rows()
            .insert(auditEvents)
            .values({ ...(await events())[5]!, seq: 0 }),
        /^Event 0 stands before the begin/,
      ],
      [
        'two events that changed places',
        async () => {
          for (const [from, to] of [
            [2, 100],
            [3, 2],
            [100, 3],
          ] as const)
            await rows().update(auditEvents).set({ seq: to }).where(row(from));
        },
        /^Event 2 was changed/,
      ],
    ];

    test('a trail that nobody touched holds', async () => {
      const audit = await written();
      const verdict = await audit.verify();
      expect(verdict).toEqual({
        events: 6,
        firstSeq: 1,
        lastSeq: 6,
        head: { seq: 6, hash: (await events())[5]!.hash },
        fault: null,
        findings: [],
      });
      expect(await audit.verify(verdict.head)).toEqual(verdict);
      await audit.close();
    });

    test('an empty trail holds', async () => {
      const audit = make();
      await audit.open();
      expect(await audit.verify()).toEqual({
        events: 0,
        firstSeq: null,
        lastSeq: null,
        head: { seq: 0, hash: '' },
        fault: null,
        findings: [],
      });
      await audit.close();
    });

    test.each(tamperings)('%s is found, and stays found when more is written', async (_name, tamper, what) => {
      const audit = await written();
      await tamper(audit);
      expect((await audit.verify()).fault?.what).toMatch(what);
      await audit.record(success('afterwards'));
      await audit.record(success('afterwards again'));
      expect((await audit.verify()).fault?.what).toMatch(/^Event|^The record/);
      expect((await events()).filter(({ event }) => event.startsWith('afterwards')).length).toBe(2);
      await audit.close();
    });

    test('what the writer finds is told even when its first attempts to write fail', async () => {
      const audit = make({ failing: 2 });
      await audit.open();
      await audit.record(success('before'));
      await rows().update(auditChain).set({ mac: 'x' });
      const after = audit.record(success('after'));
      for (let attempt = 0; attempt < 3; attempt++) await audit.flush();
      await after;
      expect(audit.state()).toMatchObject({ queued: 0, intact: false });
      expect((await events()).map(({ event, reason }) => [event, reason])).toEqual([
        ['before', null],
        ['audit_chain', 'chain_changed'],
        ['after', null],
      ]);
      expect(audit.logged.filter((line) => line.includes('chain_changed'))).toHaveLength(1);
      await audit.close();
    });

    test('an empty trail under a key that was there before is found: somebody has emptied it', async () => {
      await rows().insert(clients).values({ clientId: 'machine', appName: 'Machine' });
      const audit = make({ key: { ...KEY, made: false } });
      await audit.open();
      expect((await audit.verify()).fault?.what).toMatch(/^The record of where/);
      expect(audit.logged.join('')).toContain('chain_changed');
      await audit.close();
      await rows().delete(clients);
      await rows().delete(deletedClients);
    });

    test('another key finds nothing that holds', async () => {
      await (await written()).close();
      const audit = make({ key: { secret: Buffer.alloc(32, 8), made: true } });
      await audit.open();
      expect((await audit.verify()).fault?.what).toMatch(/^The record of where/);
      await audit.close();
    });
  });

  describe('retention', () => {
    test('what is older goes in batches, what is not stays, and the trail still holds', async () => {
      const audit = make();
      for (const _ of Array.from({ length: 2_300 })) void audit.record(success('old'));
      await audit.open();
      await audit.flush();
      audit.pass(1);
      await audit.record(success('young'));
      audit.pass(RETENTION_MS);
      await audit.prune();
      expect((await events()).map(({ seq, event }) => [seq, event])).toEqual([[2_301, 'young']]);
      expect(await audit.verify()).toMatchObject({ events: 1, firstSeq: 2_301, lastSeq: 2_301, fault: null });
      audit.pass(1);
      await audit.prune();
      expect(await audit.verify()).toMatchObject({ events: 0, firstSeq: null, lastSeq: null, fault: null });
      await audit.record(success('next'));
      expect(await audit.verify()).toMatchObject({ events: 1, firstSeq: 2_302, fault: null });
      await audit.close();
    });

    test('is no work of more than about a second at a time, so that it holds up no other and no stop', async () => {
      let steadyMs = 0;
      const elapsed = (): number => {
        steadyMs += 600;
        return steadyMs;
      };
      const audit = make({ elapsed });
      for (const _ of Array.from({ length: 4_300 })) void audit.record(success('old'));
      await audit.open();
      await audit.flush();
      audit.pass(1 + RETENTION_MS);
      const left: number[] = [];
      for (let run = 0; run < 3; run++) {
        await audit.prune();
        left.push((await events()).length);
      }
      expect(left).toEqual([2_300, 300, 0]);
      expect(await audit.verify()).toMatchObject({ events: 0, fault: null });
      await audit.close();
    });

    test('a server whose own clock is two years ahead prunes nothing: it goes by the clock that all share', async () => {
      const audit = make({ calendarMs: START_MS });
      await audit.open();
      await audit.record(success('young'));
      audit.pass(2 * RETENTION_MS);
      await audit.prune();
      expect((await events()).length).toBe(1);
      await audit.close();
    });

    test('an event that was made to look old is not removed for whoever did it', async () => {
      const audit = make();
      await audit.open();
      for (const name of ['a', 'b', 'c']) await audit.record(success(name));
      await database.rows
        .update(auditEvents)
        .set({ at: new Date(0) })
        .where(eq(auditEvents.seq, 1));
      for (let run = 0; run < 3; run++) await audit.prune();
      expect((await events()).length).toBe(3);
      expect(audit.logged.filter((line) => line.includes('is not pruned'))).toHaveLength(1);
      await audit.close();
    });
  });

  describe('reading', () => {
    test('pages go from the newest to the oldest, by filter and cursor', async () => {
      const audit = make();
      await audit.open();
      for (const at of [1, 2, 3, 4, 5]) {
        audit.pass(1_000);
        await audit.record(success(at % 2 ? 'odd' : 'even', { clientId: `client-${at}` }));
      }
      await audit.record(failure('request-9', { clientId: 'client-5' }));
      await audit.flush();
      const names = async (filter: Partial<AuditFilter>) =>
        (await audit.page({ ...ALL, ...filter, cursor: null, limit: 10 })).items.map(({ seq }) => seq);
      expect(await names({})).toEqual([6, 5, 4, 3, 2, 1]);
      expect(await names({ event: 'odd' })).toEqual([5, 3, 1]);
      expect(await names({ client: 'client-5' })).toEqual([6, 5]);
      expect(await names({ client: 'client-5', outcome: 'failure' })).toEqual([6]);
      expect(await names({ from: new Date(nowMs - 3_000), to: new Date(nowMs) })).toEqual([4, 3, 2]);
      const pages: (number[] | null)[] = [];
      for (let cursor: string | null = null; ; ) {
        const page = await audit.page({ ...ALL, cursor, limit: 4 });
        pages.push(page.items.map(({ seq }) => seq));
        cursor = page.nextCursor;
        if (cursor === null) break;
      }
      expect(pages).toEqual([
        [6, 5, 4, 3],
        [2, 1],
      ]);
      await audit.close();
    });

    test.each([['zzz'], ['-5'], [''], ['1.5'], ['9'.repeat(17)]])('the cursor %p is none', async (cursor) => {
      const audit = make();
      await expect(audit.page({ ...ALL, cursor, limit: 4 })).rejects.toMatchObject({ status: 422 });
    });

    test('a gathered request is looked up in an index', async () => {
      const plan = await database.rows.transaction(async (tx) => {
        await tx.execute(sql`set local enable_seqscan = off`);
        return tx.execute(
          sql`explain select * from audit_events where request_id = 'a' or (details -> 'request_ids') @> '["a"]'::jsonb`,
        );
      });
      expect(JSON.stringify(plan)).toContain('audit_events_request_ids_index');
    });

    test('CSV is RFC 4180 and holds no formula; NDJSON is one object a line', async () => {
      const audit = make();
      await audit.open();
      await audit.record(success('a', { actor: '=HYPERLINK("x")', details: { text: 'a,"b"\r\nc' } }));
      await audit.record(success('b', { actor: '@x' }));
      const text = async (format: typeof CSV) =>
        (await Array.fromAsync(writeTrail(format, audit.export(ALL)))).join('');
      const at = new Date(nowMs).toISOString();
      expect(await text(CSV)).toBe(
        [
          'seq,at,event,outcome,reason,actor,client_id,address,request_id,count,details',
          `1,${at},a,success,,"'=HYPERLINK(""x"")",,192.0.2.1,request-1,1,"{""text"":""a,\\""b\\""\\r\\nc""}"`,
          `2,${at},b,success,,"'@x",,192.0.2.1,request-1,1,{}`,
          '',
        ].join('\r\n'),
      );
      const lines = (await text(NDJSON)).trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line).seq)).toEqual([1, 2]);
      await audit.close();
    });
  });
});
