import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { challengeOf, parsePresented } from './bearer';
import { parseBasic, parseCredentials } from './credentials';
import { OAuthError } from './errors';
import { parseForm, parseJson } from './form';
import { formatScope, parseScope } from './scope';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof OAuthError ? error.code : String(error);
  }
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const formEncode = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2);

/** Text without control characters and lone surrogates: what a secret may be. */
const secretText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => !/\p{C}/u.test(text));

describe('scope (RFC 6749 §3.3)', () => {
  const token = fc
    .string({
      unit: fc.constantFrom(...Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at))),
      minLength: 1,
      maxLength: 20,
    })
    .filter((text) => !/["\\]/.test(text));

  test('any list of scope tokens is read back as it was written, repetitions folded', () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 6 }), (tokens) => {
        expect(parseScope(formatScope(tokens))).toEqual([...new Set(tokens)]);
      }),
    );
  });

  test.each([[''], [' '], ['a  b'], [' a'], ['a '], ['a"b'], ['a\\b'], ['a\tb'], ['zażółć'], ['a\u0000']])(
    '%j does not follow the grammar',
    (text) => {
      expect(parseScope(text)).toBeNull();
    },
  );

  test('whatever is accepted consists of scope tokens separated by single spaces', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const tokens = parseScope(text);
        if (tokens !== null) expect(text).toMatch(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/);
      }),
    );
  });
});

describe('Basic client authentication (RFC 6749 §2.3.1)', () => {
  test('id and secret are form-decoded once, whatever characters they have', () => {
    fc.assert(
      fc.property(secretText, secretText, (id, secret) => {
        const header = `Basic ${base64(`${formEncode(id)}:${formEncode(secret)}`)}`;
        expect(parseBasic(header)).toEqual({ method: 'client_secret_basic', clientId: id, clientSecret: secret });
      }),
    );
  });

  test('no header makes anything but credentials or invalid_request', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), secretText.map(base64)), (text) => {
        expect(['none', 'invalid_request']).toContain(codeOf(() => parseBasic(`Basic ${text}`)));
      }),
    );
  });

  test.each([
    ['nothing after the scheme', 'Basic'],
    ['no base64', 'Basic !!!'],
    ['no colon', `Basic ${base64('id')}`],
    ['broken escape', `Basic ${base64('id:%zz')}`],
    ['escape that is not UTF-8', `Basic ${base64('id:%ff')}`],
    ['bytes that are not UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`],
    ['NUL byte', `Basic ${base64('id:a\u0000b')}`],
    ['escaped NUL byte', `Basic ${base64('id:a%00b')}`],
    ['two headers folded into one', `Basic ${base64('a:b')}, Basic ${base64('c:d')}`],
  ])('%s is invalid_request', (_name, header) => {
    expect(codeOf(() => parseCredentials(header, new Map()))).toBe('invalid_request');
  });

  test('another scheme, and no credentials at all, are invalid_client', () => {
    expect(codeOf(() => parseCredentials('Bearer abc', new Map()))).toBe('invalid_client');
    expect(codeOf(() => parseCredentials(null, new Map()))).toBe('invalid_client');
    expect(codeOf(() => parseCredentials(null, new Map([['client_id', ['a']]])))).toBe('invalid_client');
  });

  test('a header and a client_secret parameter at once are invalid_request, and so is a differing client_id', () => {
    const header = `Basic ${base64('a:b')}`;
    expect(codeOf(() => parseCredentials(header, new Map([['client_secret', ['b']]])))).toBe('invalid_request');
    expect(codeOf(() => parseCredentials(header, new Map([['client_id', ['c']]])))).toBe('invalid_request');
    expect(codeOf(() => parseCredentials(header, new Map([['client_id', ['a']]])))).toBe('none');
  });
});

describe('parameters', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => text !== 'resource' && !/\p{C}/u.test(text));

  test('a form is read as it was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, secretText), { selector: ([key]) => key, maxLength: 8 }), (pairs) => {
        const found = parseForm(new URLSearchParams(pairs).toString());
        expect([...found]).toEqual(pairs.map(([key, value]) => [key, [value]]));
      }),
    );
  });

  test('flat JSON is read as it was written, even when its values look like JSON', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, fc.oneof(secretText, fc.constant('":"'), fc.constant('{"a":"b"}'))), {
          selector: ([key]) => key,
          maxLength: 8,
        }),
        (pairs) => {
          const own = pairs.filter(([key]) => key !== '__proto__');
          expect([...parseJson(JSON.stringify(Object.fromEntries(own)))].sort()).toEqual(
            own.map(([key, value]): [string, string[]] => [key, [value]]).sort(),
          );
        },
      ),
    );
  });

  test.each([
    ['a repeated form parameter', () => parseForm('a=1&a=2')],
    ['a parameter repeated under an escape', () => parseForm('a=1&%61=2')],
    ['a broken escape', () => parseForm('a=%zz')],
    ['an escape that is not UTF-8', () => parseForm('a=%ff')],
    ['a NUL byte', () => parseForm('a=%00')],
    ['broken JSON', () => parseJson('{"a"')],
    ['a JSON array', () => parseJson('[]')],
    ['JSON null', () => parseJson('null')],
    ['a JSON number as value', () => parseJson('{"a":1}')],
    ['a nested JSON object', () => parseJson('{"a":{"b":"c"}}')],
    ['a repeated JSON member', () => parseJson('{"a":"1","a":"2"}')],
    ['a JSON member repeated under an escape', () => parseJson('{"a":"1","\\u0061":"2"}')],
    ['a NUL byte in JSON', () => parseJson('{"a":"\\u0000"}')],
  ])('%s is invalid_request', (_name, work) => {
    expect(codeOf(work)).toBe('invalid_request');
  });

  test('resource may be repeated, in a form and as a JSON array (RFC 8707 §2)', () => {
    expect(parseForm('resource=a&resource=b').get('resource')).toEqual(['a', 'b']);
    expect(parseJson('{"resource":["a","b"]}').get('resource')).toEqual(['a', 'b']);
  });

  test('a parameter without a value counts as left out (RFC 6749 §3.2)', () => {
    expect(parseForm('scope=&a=1&b')).toEqual(new Map([['a', ['1']]]));
  });
});

describe('bearer tokens (RFC 6750 §2)', () => {
  test.each([
    ['no header', null, '', 'none'],
    ['another scheme', 'Basic YTpi', '', 'none'],
    ['a scheme that only begins like Bearer', 'BearerX abc', '', 'none'],
    ['a token', 'Bearer abc.def-_~+/=', '', 'token'],
    ['any case of the scheme', 'bEARER abc', '', 'token'],
    ['a scheme that only begins like Bearer, in another way', 'Bearer-X abc', '', 'none'],
    ['several spaces', 'Bearer   abc', '', 'token'],
    ['no token after the scheme', 'Bearer', '', 'malformed'],
    ['two tokens', 'Bearer a b', '', 'malformed'],
    ['two headers folded into one', 'Bearer a, Bearer b', '', 'malformed'],
    ['a character outside the grammar', 'Bearer a"b', '', 'malformed'],
    ['a token in the query', null, 'access_token=abc', 'malformed'],
    ['a token in header and query', 'Bearer abc', 'x=1&access_token=abc', 'malformed'],
    ['a parameter that only ends like access_token', 'Bearer abc', 'my_access_token=abc', 'token'],
  ])('%s', (_name, header, query, kind) => {
    expect(parsePresented(header, query).kind).toBe(kind as 'none');
  });

  test('a challenge lists its parameters (RFC 6750 §3)', () => {
    expect(challengeOf('Bearer', { realm: 'r', error: 'invalid_token' })).toBe(
      'Bearer realm="r", error="invalid_token"',
    );
  });
});
