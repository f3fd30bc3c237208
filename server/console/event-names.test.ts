import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { EVENTS } from './page/views/event-names';

test('the documentation tells of every event that the console has a name for, and of no other', async () => {
  const text = await Bun.file(join(import.meta.dir, '../../docs/audit.md')).text();
  const rows = text.split('\n').flatMap((line) => /^\|([^|]+)\|/.exec(line)?.[1] ?? []);
  const told = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => String(name)));
  expect([...new Set(told)].sort()).toEqual(Object.keys(EVENTS).sort());
});
