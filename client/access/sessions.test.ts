import { describe, expect, test } from 'bun:test';
import { createWorld } from '../testing/world';
import { createAttempts, LIMIT_ALL } from './attempts';
import { ABSOLUTE_MS, createSessions, IDLE_MS, SESSIONS_MAX } from './sessions';

const open = () => {
  const world = createWorld();
  const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  return { world, sessions: createSessions({ ...world, randomBytes }) };
};

describe('who watches a session', () => {
  test('is told once, when it is closed', () => {
    const { sessions } = open();
    const id = sessions.open(null);
    let told = 0;
    sessions.watch(id, () => told++);
    sessions.watch(id, () => told++);
    sessions.close(id);
    sessions.close(id);
    expect(told).toBe(2);
  });

  test('keeps it in use, but no longer than a session lasts', async () => {
    const { world, sessions } = open();
    const id = sessions.open(null);
    let told = 0;
    sessions.watch(id, () => told++);
    await world.pass(ABSOLUTE_MS - 1);
    expect([told, sessions.isLive(id)]).toEqual([0, true]);
    await world.pass(1);
    expect([told, sessions.isLive(id)]).toEqual([1, false]);
  });

  test('and stops: from then on half an hour is left', async () => {
    const { world, sessions } = open();
    const id = sessions.open(null);
    const stop = sessions.watch(id, () => expect.unreachable());
    await world.pass(5 * IDLE_MS);
    stop();
    await world.pass(IDLE_MS - 1);
    expect(sessions.isLive(id)).toBe(true);
    await world.pass(IDLE_MS);
    expect(sessions.isLive(id)).toBe(false);
  });

  test('is told at once of one that is over already', () => {
    const { sessions } = open();
    let told = 0;
    sessions.watch('x'.repeat(43), () => told++);
    expect(told).toBe(1);
  });

  test('is told when its session makes room for others, and no timer stays behind', () => {
    const { world, sessions } = open();
    const first = sessions.open(null);
    let told = 0;
    sessions.watch(first, () => told++);
    const others = Array.from({ length: SESSIONS_MAX }, () => sessions.open(null));
    expect([told, sessions.isLive(first), others.every((id) => sessions.isLive(id))]).toEqual([1, false, true]);
    expect(world.timers().length).toBe(SESSIONS_MAX);
    for (const id of others) sessions.close(id);
    expect(world.timers()).toEqual([]);
  });
});

test('at the stop all sessions end, who watches one is told, and no timer stays behind', () => {
  const { world, sessions } = open();
  const ids = [sessions.open(null), sessions.open(null)];
  let told = 0;
  sessions.watch(ids[0] ?? '', () => told++);
  sessions.closeAll();
  expect([told, ids.some((id) => sessions.isLive(id)), world.timers()]).toEqual([1, false, []]);
});

describe('wrong passwords', () => {
  test('from one address do not touch another; of IPv6 a network counts as one', () => {
    const { clock } = createWorld();
    const attempts = createAttempts(clock);
    for (let count = 0; count < 10; count++) attempts.count('2001:db8::1');
    expect(attempts.refusal('2001:db8::2')?.status).toBe(429);
    expect(attempts.refusal('2001:db8:0:1::1')).toBeNull();
    expect(attempts.refusal('192.0.2.1')).toBeNull();
  });

  test('from many addresses are too many together', async () => {
    const world = createWorld();
    const attempts = createAttempts(world.clock);
    for (let count = 0; count < LIMIT_ALL.count; count++) attempts.count(`192.0.2.${count}`);
    const refusal = attempts.refusal('198.51.100.1');
    expect([refusal?.status, refusal?.headers['retry-after']]).toEqual([429, '1']);
    await world.pass(1_000);
    expect(attempts.refusal('198.51.100.1')).toBeNull();
  });
});
