import { expect, test } from 'bun:test';
import { WHOLE_BYTES_MAX, whole } from './whole';

const REQUEST = new Request('http://localhost:1/');
const through = (response: Response): Promise<Response> => whole(async () => response)(REQUEST);
const streamed = (start: (controller: ReadableStreamDefaultController<Uint8Array>) => void) =>
  new ReadableStream({ start });

test.each([
  ['of known length', new Response('rates', { status: 201, headers: { 'content-length': '5', etag: '"1"' } })],
  ['of unknown length', new Response('rates', { status: 201, headers: { etag: '"1"' } })],
])('an answer %s is given out as it is', async (_, response) => {
  const { status, headers, body } = await through(response);
  expect([status, headers.get('etag'), await new Response(body).text()]).toEqual([201, '"1"', 'rates']);
});

test('one without a body too', async () => {
  expect((await through(new Response(null, { status: 304 }))).status).toBe(304);
});

test('one that breaks off is none', async () => {
  const body = streamed((controller) => {
    controller.enqueue(new Uint8Array(3));
    controller.error(new Error('broken off'));
  });
  await expect(through(new Response(body))).rejects.toThrow('broken off');
});

test.each([
  ['not said', {}],
  ['said to be shorter, compressed', { 'content-length': '10', 'content-encoding': 'gzip' }],
])('one that is too long is none: %s', async (_, headers) => {
  const body = streamed((controller) => {
    controller.enqueue(new Uint8Array(WHOLE_BYTES_MAX));
    controller.enqueue(new Uint8Array(1));
    controller.close();
  });
  await expect(through(new Response(body, { headers }))).rejects.toThrow('too long');
});
