import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { createOriginRule, isLoopbackName } from './origin';

describe('the rule of hosts and origins', () => {
  const foreign = createOriginRule({ urls: ['https://auth.example.com', 'http://rates.example.com:8080'] });
  const judge = (headers: Record<string, string>): string | null => foreign(new Headers(headers));

  test('a request needs a Host, and one that is ours', () => {
    expect(judge({})).not.toBeNull();
    for (const host of [
      'localhost',
      'LocalHost:80',
      'a.localhost',
      '127.0.0.1',
      '127.255.0.9:1',
      '[::1]',
      '[::1]:8000',
    ])
      expect(judge({ host })).toBeNull();
    for (const host of ['auth.example.com', 'AUTH.example.com:443', 'rates.example.com'])
      expect(judge({ host })).toBeNull();
  });

  test.each([
    [''],
    ['example.com'],
    ['localhost.example.com'],
    ['127.0.0.1.example.com'],
    ['notlocalhost'],
    ['128.0.0.1'],
    ['[::2]'],
    ['[::ffff:10.0.0.1]'],
    ['user@localhost'],
    ['localhost/x'],
    ['localhost#x'],
    ['localhost localhost'],
    ['localhost,example.com'],
  ])('the Host %j is foreign', (host) => {
    expect(judge({ host })).not.toBeNull();
  });

  test('an Origin is ours when it is the Host, or one of our base URLs with its very scheme and port', () => {
    const host = 'localhost:8000';
    for (const origin of ['http://localhost:8000', 'https://auth.example.com', 'http://rates.example.com:8080'])
      expect(judge({ host, origin })).toBeNull();
    for (const origin of ['http://localhost', 'http://127.0.0.1:8000', 'http://auth.example.com', 'null', '', 'x'])
      expect(judge({ host, origin })).not.toBeNull();
  });

  test('only none and same-origin are sites of ours', () => {
    const host = 'localhost';
    for (const site of ['none', 'same-origin']) expect(judge({ host, 'sec-fetch-site': site })).toBeNull();
    for (const site of ['cross-site', 'same-site', '', 'NONE'])
      expect(judge({ host, 'sec-fetch-site': site })).not.toBeNull();
  });

  test('no domain below a public suffix is ever local, however many are tried', () => {
    const name = fc.domain().filter((domain) => !domain.endsWith('example.com'));
    fc.assert(fc.property(name, (host) => judge({ host }) !== null));
    fc.assert(fc.property(name, (host) => !isLoopbackName(host)));
  });
});
