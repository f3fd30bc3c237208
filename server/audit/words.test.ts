// docs/audit.md lists every word that the trail may hold, and no other.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_NAMES, REASONS, REQUEST_FAULTS } from '../oauth/words';

const page = readFileSync(join(import.meta.dir, '../../docs/audit.md'), 'utf8');

/** The rows of the table that begins with these headings. */
const rowsOf = (headings: string): string[][] => {
  const lines = page.split('\n');
  const begin = lines.indexOf(headings) + 2;
  const length = lines.slice(begin).findIndex((line) => !line.startsWith('|'));
  return lines.slice(begin, begin + length).map((line) => line.split('|').slice(1, -1));
};
const wordsOf = (cell = ''): string[] => [...cell.matchAll(/`([\w-]+)`/g)].map(([, word = '']) => word);

describe('docs/audit.md', () => {
  test('has every event', () => {
    const listed = rowsOf('| event | outcome | what it tells |').flatMap(([events]) => wordsOf(events));
    expect([...new Set(listed)].sort()).toEqual([...EVENT_NAMES].sort());
  });

  test('has every reason, once', () => {
    const listed = rowsOf('| about | reasons |').flatMap(([, reasons]) => wordsOf(reasons));
    expect(listed.sort()).toEqual([...Object.values(REASONS).flat(), ...Object.keys(REQUEST_FAULTS)].sort());
  });
});
