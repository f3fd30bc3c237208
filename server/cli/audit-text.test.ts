import { describe, expect, test } from 'bun:test';
import type { AuditView } from '../admin/contract';
import { eventBlocks, eventTable } from './audit-text';

const NOW_MS = Date.parse('2026-01-01T12:00:00.000Z');

const EVENT: AuditView = {
  seq: 17,
  at: '2026-01-01T11:58:00.000Z',
  event: 'client_authentication',
  outcome: 'failure',
  reason: 'secret_ended',
  actor: null,
  client_id: 'watcher',
  address: '192.0.2.7',
  request_id: 'b1946ac92492-17',
  count: 1,
  details: { ended_at: '2026-01-01T09:00:00.000Z', secret_id: 3 },
};

describe('an event by request id', () => {
  test('is told whole, with how long ago each time is', () => {
    expect(eventBlocks([EVENT], 'b1946ac92492-17', NOW_MS)).toBe(
      [
        'event      client_authentication',
        'outcome    failure',
        'reason     secret_ended',
        'ended_at   2026-01-01 09:00:00Z (3 h ago)',
        'secret_id  3',
        'client     watcher',
        'address    192.0.2.7',
        'request    b1946ac92492-17',
        'at         2026-01-01 11:58:00Z (2 min ago)',
        'seq        17',
        '',
      ].join('\n'),
    );
  });

  test('one of several has an empty line before it, and shows every request of gathered failures', () => {
    const details = { first_at: EVENT.at, last_at: EVENT.at, request_ids: ['r-1', 'r-2'] };
    const text = eventBlocks([EVENT, { ...EVENT, request_id: null, count: 9, details }], 'r-2', NOW_MS);
    expect(text).toMatch(/\n\nevent /);
    expect(text).toMatch(/^request_ids +r-1, r-2$/m);
    expect(text).toMatch(/^times +9$/m);
  });

  test('of gathered failures tells what is known of this request, and nothing of the others', () => {
    const requests = { 'r-1': { secret_id: 1 }, 'r-2': { secret_id: 2 } };
    const text = eventBlocks([{ ...EVENT, request_id: null, count: 2, details: { requests } }], 'r-2', NOW_MS);
    expect(text).toMatch(/^secret_id +2$/m);
    expect(text).not.toMatch(/requests|r-1/);
  });

  test('nothing that others wrote moves the cursor', () => {
    const details = { 'label\u001b[2J': 'x\u202Ey\r\nz' };
    const text = eventBlocks([{ ...EVENT, details }], 'r-1', NOW_MS);
    expect(text).toContain('label\uFFFD[2J  x\uFFFDy\uFFFD\uFFFDz\n');
  });
});

describe('events as a table', () => {
  const cells = (event: AuditView): string[] =>
    eventTable([event], NOW_MS).trimEnd().split('\n')[1]?.split(/ {2,}/) ?? [];

  test('say their details in few words', () => {
    expect(cells(EVENT).at(-1)).toBe('ended 3 h ago, secret_id 3');
    expect(cells({ ...EVENT, details: { expires_at: '2026-01-06T12:00:00.000Z' } }).at(-1)).toBe('expires in 5 days');
    expect(cells({ ...EVENT, details: {} }).at(-1)).toBe('–');
  });

  test('cut long ones', () => {
    const [last = ''] = cells({ ...EVENT, details: { grants: 'x'.repeat(500) } }).slice(-1);
    expect([last.length, last.endsWith('…')]).toEqual([40, true]);
  });

  test('name a request of gathered failures, and how many others there were', () => {
    const details = { first_at: EVENT.at, last_at: EVENT.at, request_ids: ['r-1', 'r-2'] };
    const row = cells({ ...EVENT, request_id: null, count: 9, details });
    expect(row[2]).toBe('client_authentication ×9');
    expect(row.slice(-2)).toEqual(['r-1 +8', 'first 2 min ago, last 2 min ago']);
    expect(cells({ ...EVENT, request_id: null })[7]).toBe('–');
  });
});
