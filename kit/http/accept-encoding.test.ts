import { expect, test } from 'bun:test';
import { acceptedCodings } from './accept-encoding';

test.each([
  ['nothing said: anything, as it is first', null, ['identity', 'zstd', 'gzip']],
  ['an empty header: nothing but as it is', '', ['identity']],
  ['curl --compressed', 'deflate, gzip, br, zstd', ['zstd', 'gzip', 'identity']],
  ['a browser over plain http', 'gzip, deflate', ['gzip', 'identity']],
  ['the old name of gzip', 'x-gzip', ['gzip', 'identity']],
  ['any letter case', 'GZip', ['gzip', 'identity']],
  ['only what we do not make', 'br', ['identity']],
  ['weights', 'zstd;q=0.3, gzip;q=0.7, identity;q=0.5', ['gzip', 'identity', 'zstd']],
  ['spaces where they may be', ' gzip ; q=0.5 ,zstd;q=0.50', ['zstd', 'gzip', 'identity']],
  ['rather as it is', 'gzip;q=0.5, identity', ['identity', 'gzip']],
  ['not gzip', 'gzip;q=0', ['identity']],
  ['not gzip, to three places', 'gzip;q=0.000, *', ['zstd', 'identity']],
  ['anything', '*', ['zstd', 'gzip', 'identity']],
  ['anything, but gzip best', 'gzip, *;q=0.1', ['gzip', 'zstd', 'identity']],
  ['not as it is', 'gzip, identity;q=0', ['gzip']],
  ['nothing but gzip', 'gzip, *;q=0', ['gzip']],
  ['as it is and nothing else', 'identity, *;q=0', ['identity']],
  ['nothing at all', '*;q=0', []],
  ['not as it is, and nothing that we make', 'br, identity;q=0', []],
  ['a weight that is none counts for nothing', 'gzip;q=2, zstd;q=-1, br;q=x', ['identity']],
  ['something that is no coding', 'gzip zstd, ;q=1, ,', ['identity']],
] as const)('Accept-Encoding, %s', (_what, header, codings) => {
  expect(acceptedCodings(header)).toEqual([...codings]);
  // Remembered, it means the same.
  expect(acceptedCodings(header)).toEqual([...codings]);
});
