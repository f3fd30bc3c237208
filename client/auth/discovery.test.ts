import { describe, expect, test } from 'bun:test';
import { createWorld, noDeadline, thrown } from '../testing/world';
import { discovery, METADATA_LIFE_MS, metadataUrl, PLAIN_LIFE_MS } from './discovery';
import { TokenError } from './token';

const ISSUER = 'https://auth.example.com';
const METADATA = { issuer: ISSUER, token_endpoint: `${ISSUER}/api/auth/token` };

function finder(answer: (request: Request) => Response, serverUrl = ISSUER, issuer = ISSUER) {
  const world = createWorld();
  const asked: string[] = [];
  const fetch = async (request: Request) => {
    asked.push(request.url);
    return answer(request);
  };
  const find = discovery({ serverUrl, issuer, fetch, deadline: noDeadline, clock: world.clock });
  return { find, asked, world };
}

const giving = (metadata: object, serverUrl?: string, issuer?: string) =>
  finder(() => Response.json(metadata), serverUrl, issuer).find();

describe('the address of the metadata', () => {
  test.each([
    ['https://a.example', 'https://a.example', 'https://a.example/.well-known/oauth-authorization-server'],
    ['https://a.example', 'https://a.example/', 'https://a.example/.well-known/oauth-authorization-server'],
    ['http://10.0.0.1:8000', 'https://a.example', 'http://10.0.0.1:8000/.well-known/oauth-authorization-server'],
    ['https://a.example', 'https://a.example/t1', 'https://a.example/.well-known/oauth-authorization-server/t1'],
  ])('server %p, issuer %p', (serverUrl, issuer, expected) => {
    expect(metadataUrl(serverUrl, issuer)).toBe(expected);
  });
});

describe('metadata', () => {
  test('name the token endpoint', async () => {
    expect(await giving(METADATA)).toEqual({ url: `${ISSUER}/api/auth/token`, style: 'basic', registration: null });
  });

  test('are asked for once', async () => {
    const { find, asked, world } = finder(() => Response.json(METADATA));
    await find();
    await world.pass(PLAIN_LIFE_MS);
    await find();
    expect(asked).toEqual([`${ISSUER}/.well-known/oauth-authorization-server`]);
  });

  test('are asked for once by all who ask at the same time, and anew after a failure', async () => {
    let answer = () => new Response(null, { status: 503 });
    const { find, asked } = finder(() => answer());
    const failures = await Promise.allSettled(Array.from({ length: 100 }, find));
    expect(failures.every(({ status }) => status === 'rejected')).toBe(true);
    expect(asked.length).toBe(1);
    answer = () => Response.json(METADATA);
    const found = await Promise.all(Array.from({ length: 100 }, find));
    expect(new Set(found).size).toBe(1);
    expect(asked.length).toBe(2);
  });

  test.each([404, 403, 503])('leave no body of status %p unread', async (status) => {
    let left = false;
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.from('more ')),
      cancel: () => {
        left = true;
      },
    });
    await finder(() => new Response(body, { status }))
      .find()
      .catch(() => {});
    expect(left).toBe(true);
  });

  test('are asked for again after an hour, and those of before serve while nobody answers', async () => {
    let answer = () => Response.json(METADATA);
    const { find, asked, world } = finder(() => answer());
    await find();
    await world.pass(METADATA_LIFE_MS);
    answer = () => new Response(null, { status: 503 });
    expect((await find()).url).toBe(METADATA.token_endpoint);
    answer = () => Response.json({ ...METADATA, token_endpoint: `${ISSUER}/moved` });
    expect((await find()).url).toBe(`${ISSUER}/moved`);
    await world.pass(METADATA_LIFE_MS);
    answer = () => Response.json({ ...METADATA, issuer: 'https://evil.example' });
    await thrown(find(), TokenError);
    expect(asked).toHaveLength(4);
  });

  test('are seen through the URL in use', async () => {
    const endpoint = await giving(METADATA, 'http://127.0.0.1:8000');
    expect(endpoint.url).toBe('http://127.0.0.1:8000/api/auth/token');
  });

  test('leave an endpoint elsewhere where it is', async () => {
    const endpoint = await giving({ ...METADATA, token_endpoint: 'https://tokens.example.com/t' });
    expect(endpoint.url).toBe('https://tokens.example.com/t');
  });

  test.each([
    [['client_secret_post', 'client_secret_basic'], 'basic'],
    [['private_key_jwt', 'client_secret_post'], 'post'],
    [['private_key_jwt'], 'keys'],
    [undefined, 'basic'],
  ])('with methods %p the client uses %p', async (methods, style) => {
    const endpoint = await giving({ ...METADATA, token_endpoint_auth_methods_supported: methods });
    expect(endpoint.style).toBe(style as never);
  });
});

describe('another issuer', () => {
  test.each(['https://evil.example', `${ISSUER}/`, undefined, 7])('%p is refused', async (issuer) => {
    const { trouble } = await thrown(giving({ ...METADATA, issuer }), TokenError);
    expect(trouble.kind).toBe('wrong_issuer');
  });

  test('is told with what to set', async () => {
    const { message } = await thrown(giving(METADATA, 'http://127.0.0.1:8000', 'http://127.0.0.1:8000'), TokenError);
    expect(message).toContain(`ISSUER=${ISSUER}`);
  });
});

describe('a server without metadata', () => {
  test.each([404, 410])('answers %p: the plain token path and JSON', async (status) => {
    const { find, asked } = finder(() => new Response(null, { status }));
    expect(await find()).toEqual({ url: `${ISSUER}/api/auth/token`, style: 'json', registration: null });
    await find();
    expect(asked).toHaveLength(1);
  });

  test('is asked again after five minutes: it may have been a proxy that did not know the path', async () => {
    let good = false;
    const { find, world } = finder(() => (good ? Response.json(METADATA) : new Response(null, { status: 404 })));
    await find();
    good = true;
    await world.pass(299_999);
    expect((await find()).style).toBe('json');
    await world.pass(1);
    expect((await find()).style).toBe('basic');
  });
});

describe('a failure', () => {
  test.each([
    ['5xx', () => new Response(null, { status: 503, headers: { 'retry-after': '9' } }), 'busy'],
    [
      'no connection',
      () => {
        throw new TypeError('gone');
      },
      'unreachable',
    ],
    ['a page', () => new Response('<html>'), 'malformed'],
    ['a redirect', () => Response.redirect('https://evil.example', 302), 'malformed'],
    ['forbidden', () => new Response(null, { status: 403 }), 'malformed'],
    ['no endpoint', () => Response.json({ issuer: ISSUER }), 'malformed'],
    ['a relative endpoint', () => Response.json({ ...METADATA, token_endpoint: '/token' }), 'malformed'],
    [
      'an endpoint without TLS',
      () => Response.json({ ...METADATA, token_endpoint: 'http://x.example/t' }),
      'malformed',
    ],
    [
      'no method of ours',
      () => Response.json({ ...METADATA, token_endpoint_auth_methods_supported: ['tls_client_auth'] }),
      'malformed',
    ],
    [
      'methods that are no list',
      () => Response.json({ ...METADATA, token_endpoint_auth_methods_supported: 'client_secret_basic' }),
      'malformed',
    ],
  ])('%s is not kept: it is asked again', async (_, answer, kind) => {
    let good = false;
    const { find } = finder(() => (good ? Response.json(METADATA) : (answer as () => Response)()));
    const { trouble } = await thrown(find(), TokenError);
    expect(trouble.kind).toBe(kind as never);
    good = true;
    expect((await find()).style).toBe('basic');
  });
});
