import { expect, test } from 'bun:test';
import { createBoundedMap } from './bounded-map';

test('a bounded map forgets the oldest first; what is set anew is young again', () => {
  const map = createBoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4]);
  map.delete('a');
  map.set('d', 5);
  expect([map.get('a'), map.get('c'), map.get('d')]).toEqual([undefined, 4, 5]);
  map.clear();
  expect(map.get('c')).toBeUndefined();
});
