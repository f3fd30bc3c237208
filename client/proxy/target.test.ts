// Whatever the spelling, only what is allowed is reached.
import { describe, expect, test } from 'bun:test';
import { posix } from 'node:path';
import fc from 'fast-check';
import { Problem } from '../../kit/http/problem';
import { createIsSelf, readTarget, type Target } from './target';

const SERVERS = ['http://localhost:8000', 'https://rates.example.com/base'];
const ALLOWED = ['https://api.example.com/v1', 'http://10.0.0.7:8080', 'https://bücher.example/a/b'];

const read = (rest: string, allowed: readonly string[] | null = ALLOWED, query = ''): Target | number => {
  try {
    return readTarget(rest, query, { servers: SERVERS, allowed, isSelf: () => false });
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
};
const address = (url: string): Target => ({ kind: 'address', url });

describe('an address that is allowed', () => {
  test.each([
    ['https://api.example.com/v1', 'https://api.example.com/v1'],
    ['https://api.example.com/v1/', 'https://api.example.com/v1/'],
    ['https://api.example.com/v1/users', 'https://api.example.com/v1/users'],
    ['https:/api.example.com/v1/users', 'https://api.example.com/v1/users'],
    ['HTTPS://API.Example.COM:443/v1/users', 'https://api.example.com/v1/users'],
    ['https://api.example.com/v1/a/../b', 'https://api.example.com/v1/b'],
    ['https://api.example.com/v1/a%20b', 'https://api.example.com/v1/a%20b'],
    ['https://api.example.com/v1/a%2Fb', 'https://api.example.com/v1/a%2Fb'],
    ['https://api.example.com/v1/..a/b..', 'https://api.example.com/v1/..a/b..'],
    ['https://api.example.com/v1/100%25', 'https://api.example.com/v1/100%25'],
    ['http://10.0.0.7:8080/any/%2e%2e%2fthing', 'http://10.0.0.7:8080/any/%2e%2e%2fthing'],
    ['http://0xa.0.0.7:8080/x', 'http://10.0.0.7:8080/x'],
    ['https://xn--bcher-kva.example/a/b/c', 'https://xn--bcher-kva.example/a/b/c'],
    ['https://BÜCHER.example/a/b', 'https://xn--bcher-kva.example/a/b'],
  ])('%p', (given, sent) => {
    expect(read(given)).toEqual(address(sent));
  });

  test('keeps its query, and loses nothing else', () => {
    expect(read('https://api.example.com/v1/x', ALLOWED, '?q=%2F..%2F&u=http://a')).toEqual(
      address('https://api.example.com/v1/x?q=%2F..%2F&u=http://a'),
    );
  });
});

describe('is refused', () => {
  test.each([
    // Another origin.
    ['https://api.example.com:8443/v1/x', 403],
    ['http://api.example.com/v1/x', 403],
    ['https://api.example.com./v1/x', 403],
    ['https://api.example.com.evil.example/v1/x', 403],
    ['https://evil.example/https://api.example.com/v1', 403],
    ['https://evil.example\\@api.example.com/v1/x', 403],
    ['https://evil.example#@api.example.com/v1/x', 403],
    ['https://evil.example?x=@api.example.com/v1', 403],
    ['https:///evil.example/v1', 403],
    ['http://10.0.0.7/x', 403],
    ['http://10.0.0.7:80800/x', 400],
    ['http://[::ffff:10.0.0.7]:8080/x', 403],
    ['https://аpi.example.com/v1/x', 403],
    // Another path.
    ['https://api.example.com/', 403],
    ['https://api.example.com/v', 403],
    ['https://api.example.com/v10/x', 403],
    ['https://api.example.com/V1/x', 403],
    ['https://api.example.com//v1/x', 403],
    ['https://api.example.com/v1/../v2', 403],
    ['https://api.example.com/v1/%2e%2e/v2', 403],
    ['https://api.example.com/v1/.%2E/v2', 403],
    ['https://api.example.com/v1/..%2fv2', 403],
    ['https://api.example.com/v1/..%5cv2', 403],
    ['https://api.example.com/v1/..\\v2', 403],
    ['https://api.example.com/v1/%252e%252e/v2', 403],
    ['https://api.example.com/v1/%25252e%25252e%25252fv2', 403],
    ['https://api.example.com/v1/..;/v2', 403],
    ['https://api.example.com/v2/..;/v1/x', 403],
    ['https://api.example.com/v1/%5c..', 403],
    ['https://api.example.com/v1/..;x=y/v2', 403],
    ['https://api.example.com/v1/%2e%2e;/v2', 403],
    ['https://api.example.com/v1/x%00', 403],
    ['https://api.example.com/v1/x%0d%0aHost:%20evil', 403],
    // No address.
    ['https://user@api.example.com/v1/x', 400],
    ['https://user:pass@api.example.com/v1/x', 400],
    ['https://:@/v1', 400],
    ['ftp://api.example.com/v1', 400],
    ['file:///etc/passwd', 400],
    ['javascript://api.example.com/%0aalert(1)', 400],
    ['https://', 400],
    ['https://exa mple.com/', 400],
  ])('%p: %p', (given, status) => {
    expect(read(given)).toBe(status);
  });

  test('the server itself, when other targets are named', () => {
    expect(read('api/currency')).toBe(403);
    expect(read('http://localhost:8000/api/currency')).toBe(403);
  });
});

describe('a path goes to the servers of the credential', () => {
  test.each([
    ['api/currency', '/api/currency'],
    ['', '/'],
    ['/api', '//api'],
    ['//evil.example/x', '///evil.example/x'],
    ['@evil.example/x', '/@evil.example/x'],
    [':8443/x', '/:8443/x'],
    ['http:x', '/http:x'],
    ['x/http://evil.example/', '/x/http://evil.example/'],
  ])('%p', (rest, path) => {
    expect(read(rest, null)).toEqual({ kind: 'servers', path });
  });

  test.each(['../x', '..%2fx', 'a/..;/..;/x', 'a/%2e%2e%2f..%2fx'])('never above their base: %p', (rest) => {
    expect(read(rest, null)).toBe(403);
  });

  test.each([
    ['http://localhost:8000/x?y', '/x'],
    ['https://rates.example.com/base/x', '/x'],
    ['https://rates.example.com/base', ''],
    ['http://LOCALHOST:8000', '/'],
  ])('as %p does, which names one of them: %p', (url, path) => {
    const [rest = '', query = ''] = url.split(/(?=\?)/);
    expect(read(rest, null, query)).toEqual({ kind: 'servers', path: `${path}${query}` });
  });

  test('when all of them may be reached', () => {
    expect(read('x', SERVERS)).toEqual({ kind: 'servers', path: '/x' });
    expect(read('x', ['http://localhost:8000'])).toBe(403);
    expect(read('http://localhost:8000/x', ['http://localhost:8000'])).toEqual(address('http://localhost:8000/x'));
  });
});

test.each([
  ['http://localhost:8001/x', true],
  ['http://127.9.9.9:8001', true],
  ['http://[::1]:8001', true],
  ['http://rates.internal:8001', true],
  ['http://localhost:8000/x', false],
  ['http://example.com:8001/x', false],
])('of a client at rates.internal:8001, is %p itself? %p', (url, self) => {
  expect(createIsSelf('rates.internal', () => 8001)(new URL(url))).toBe(self);
});

test('an address of its own is 508', () => {
  const limits = { servers: SERVERS, allowed: null, isSelf: () => true };
  expect(() => readTarget('x', '', limits)).toThrow(expect.objectContaining({ status: 508 }));
});

/** What a careless server could make of a path: decoded to the end, either slash a slash, parameters cut off. */
function carelessly(path: string): string {
  let text = path;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  const plain = text.replaceAll('\\', '/').replace(/;[^/]*/g, '');
  return posix.normalize(plain);
}

const PIECES = [
  ...[
    '..',
    '.',
    '%2e',
    '%2E%2e',
    '%252e',
    '%25252e',
    '/',
    '//',
    '%2f',
    '%252F',
    '\\',
    '%5c',
    '%255C',
    ';',
    ';x=1',
    '%3b',
  ],
  ...['v1', 'v2', 'V1', 'admin', 'a', '%', '%25', '@', ':', '?', '#', '%00', '%09', ' ', 'é', '%c3%a9'],
];
const HEADS = [
  ...[
    'https://api.example.com',
    'https://api.example.com/v1',
    'https://api.example.com/v1/',
    'https:/api.example.com/v1/',
  ],
  ...['HTTPS://API.EXAMPLE.COM:443/v1/', 'https://api.example.com:8443/v1/', 'https://api.example.com./v1/'],
  ...[
    'https://evil.example/',
    'https://evil.example\\',
    'https://u@api.example.com/v1/',
    'http://api.example.com/v1/',
    '',
  ],
];

test('whatever the spelling, by no reading is anything reached but what is below the target', () => {
  const rest = fc.tuple(fc.constantFrom(...HEADS), fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }));
  let passed = 0;
  fc.assert(
    fc.property(rest, ([head, pieces]) => {
      const target = read(`${head}${pieces.join('')}`, ['https://api.example.com/v1']);
      if (typeof target === 'number') return;
      passed++;
      expect(target.kind).toBe('address');
      const { origin, pathname, username, password } = new URL(target.kind === 'address' ? target.url : '');
      expect([origin, username, password]).toEqual(['https://api.example.com', '', '']);
      for (const reading of [pathname, carelessly(pathname)]) expect(reading).toMatch(/^\/v1(\/|$)/);
    }),
    { numRuns: 5_000 },
  );
  // Else the property would hold of a rule that refuses everything.
  expect(passed).toBeGreaterThan(300);
});
