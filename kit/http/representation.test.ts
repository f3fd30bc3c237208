// One thing in several encodings (RFC 9110 §8.4, §8.8.3, §12.5.3, §13.1.2).
import { expect, test } from 'bun:test';
import { COMPRESSED_BYTES_MIN, createRepresent, type Representation } from './representation';

/** A representation that counts how often its content was asked for. */
function counted(text: string, version = 'v1'): Representation & { asked: number } {
  const made = {
    version,
    asked: 0,
    content: () => {
      made.asked += 1;
      return new TextEncoder().encode(text);
    },
  };
  return made;
}

const LARGE = 'abcdefgh'.repeat(COMPRESSED_BYTES_MIN / 8);
const represent = createRepresent({ 'content-type': 'text/plain', 'cache-control': 'no-cache' });
const ask = (representation: Representation, headers: Record<string, string> = {}): Response =>
  represent(new Request('http://localhost/', { headers }), representation);
const decode = async (answer: Response): Promise<string> => {
  const bytes = await answer.arrayBuffer();
  const coding = answer.headers.get('content-encoding');
  if (coding === 'gzip') return Buffer.from(Bun.gunzipSync(bytes)).toString();
  return (coding === 'zstd' ? Bun.zstdDecompressSync(bytes) : Buffer.from(bytes)).toString();
};

test.each([
  [{}, null, '"v1-identity"'],
  [{ 'accept-encoding': 'gzip' }, 'gzip', '"v1-gzip"'],
  [{ 'accept-encoding': 'gzip, zstd' }, 'zstd', '"v1-zstd"'],
  [{ 'accept-encoding': 'br' }, null, '"v1-identity"'],
])('asked with %j it is sent in %p, under a tag of its own', async (headers, coding, etag) => {
  const answer = ask(counted(LARGE), headers);
  expect(Object.fromEntries(answer.headers)).toEqual({
    'content-type': 'text/plain',
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    etag,
    ...(coding === null ? {} : { 'content-encoding': coding }),
  });
  expect(await decode(answer)).toBe(LARGE);
});

test('under 1,024 bytes it is sent as it is, unless that is forbidden', async () => {
  const small = counted(LARGE.slice(1));
  expect(ask(small, { 'accept-encoding': 'gzip, zstd' }).headers.get('content-encoding')).toBeNull();
  const answer = ask(small, { 'accept-encoding': 'gzip, identity;q=0' });
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  expect(await decode(answer)).toBe(LARGE.slice(1));
});

test('each encoding is made once, however many ask', async () => {
  const large = counted(LARGE);
  for (let count = 0; count < 100; count++)
    expect(await decode(ask(large, count % 2 === 0 ? {} : { 'accept-encoding': 'identity' }))).toBe(LARGE);
  expect(large.asked).toBe(1);
});

test.each([
  ['the tag of what it would be sent', {}, '"v1-identity"', '"v1-identity"'],
  ['a weak one', {}, 'W/"v1-identity"', '"v1-identity"'],
  ['one of several', { 'accept-encoding': 'gzip' }, '"other", "v1-gzip"', '"v1-gzip"'],
  ['that of another encoding which it takes too', { 'accept-encoding': 'gzip' }, '"v1-identity"', '"v1-identity"'],
])('304 for %s, before the content is asked for', async (_what, headers, known, etag) => {
  const large = counted(LARGE);
  const answer = ask(large, { ...headers, 'if-none-match': known });
  expect([answer.status, await answer.text(), large.asked]).toEqual([304, '', 0]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    etag,
    vary: 'accept-encoding',
    'cache-control': 'no-cache',
  });
});

test('304 for anything that is there, under the tag of what would be sent', () => {
  const headers = { 'accept-encoding': 'gzip', 'if-none-match': '*' };
  expect(ask(counted(LARGE), headers).headers.get('etag')).toBe('"v1-gzip"');
  expect(ask(counted('small'), headers).headers.get('etag')).toBe('"v1-identity"');
});

test.each([
  ['another version', {}, '"v0-identity"'],
  ['an encoding that it does not take', { 'accept-encoding': 'gzip' }, '"v1-zstd"'],
  ['no tag at all', {}, 'v1-identity'],
])('200 for %s', (_what, headers, known) => {
  expect(ask(counted(LARGE), { ...headers, 'if-none-match': known }).status).toBe(200);
});

test('406 when nothing is allowed', () => {
  expect(() => ask(counted(LARGE), { 'accept-encoding': '*;q=0' })).toThrow(
    expect.objectContaining({ status: 406, headers: { vary: 'accept-encoding' } }),
  );
});
