import { expect, test } from 'bun:test';
import { TokenError } from '../auth/token';
import { noDeadline, START_MS, thrown } from '../testing/world';
import { secretsApi } from './secrets-api';

const SERVER = {
  url: 'http://localhost:1',
  endpoint: async () => ({ url: 'http://localhost:1/token', style: 'basic', registration: null }) as const,
};

test.each([
  ['plain words', 'no more than five', 'no more than five'],
  ['a secret that was shown', 'the-secret-of-mine is not the newest', null],
])('what the server says is repeated unless it holds a secret: %s', async (_, detail, expected) => {
  const api = secretsApi({
    servers: { run: (work) => work(SERVER, noDeadline()) },
    clientId: 'me',
    fetch: async () => Response.json({ detail }, { status: 409 }),
    clock: { now: () => START_MS },
  });
  const making = api.make(['the-secret-of-mine'], { label: '', expiresInSeconds: null });
  const { trouble } = await thrown(making, TokenError);
  expect(trouble).toEqual({ kind: 'not_rotated', status: 409, detail: expected });
});
