import { expect, test } from 'bun:test';
import { createKnownClients } from './known-clients';

test('who was found is recalled until it is forgotten, and finding is a query each time', async () => {
  let queries = 0;
  const known = createKnownClients({
    max: 2,
    find: async (clientId) => {
      queries += 1;
      return clientId === 'nobody' ? null : { clientId };
    },
  });
  for (const clientId of ['a', 'a', 'nobody', 'nobody']) await known.find(clientId);
  expect(queries).toBe(4);
  expect([known.recall('a'), known.recall('nobody')]).toEqual([{ clientId: 'a' }, null]);
  known.forget('a');
  expect(known.recall('a')).toBeNull();
});

test('the one found longest ago goes first', async () => {
  const known = createKnownClients({ max: 2, find: async (clientId) => ({ clientId }) });
  for (const clientId of ['a', 'b', 'a', 'c']) await known.find(clientId);
  expect(['a', 'b', 'c'].map((clientId) => known.recall(clientId)?.clientId)).toEqual(['a', undefined, 'c']);
});

test('a row that was being read when it was forgotten is not remembered', async () => {
  const row = Promise.withResolvers<{ clientId: string }>();
  const known = createKnownClients({ max: 2, find: () => row.promise });
  const finding = known.find('a');
  known.forget('a');
  row.resolve({ clientId: 'a' });
  await finding;
  expect(known.recall('a')).toBeNull();
});
