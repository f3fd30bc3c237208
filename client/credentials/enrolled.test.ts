import { beforeEach, describe, expect, test } from 'bun:test';
import { type AccessToken, TokenError, type TokenTrouble } from '../auth/token';
import { thrown } from '../testing/world';
import { enrolled } from './enrolled';

const FORGOTTEN: TokenTrouble = { kind: 'refused', error: 'invalid_client', description: null };
const TOKEN: AccessToken = { value: 't', type: 'Bearer', obtainedAtMs: 0, expiresAtMs: 1, scope: null };

let steps: string[];
let answers: (TokenTrouble | null)[];
let enrolment: TokenTrouble | null;

beforeEach(() => {
  steps = [];
  answers = [];
  enrolment = null;
});

function create(registered: boolean, mends = true) {
  const source = {
    async token() {
      steps.push('token');
      const trouble = answers.shift() ?? null;
      if (trouble !== null) throw new TokenError(trouble);
      return TOKEN;
    },
  };
  const enrol = async () => {
    steps.push('enrol');
    if (enrolment !== null) throw new TokenError(enrolment);
  };
  return enrolled(source, { clientId: () => 'own', registered, mends, enrol });
}

test('one that would become another client is not registered again', async () => {
  const source = create(true, false);
  answers = [FORGOTTEN];
  expect((await thrown(source.token(), TokenError)).trouble.kind).toBe('own_refused');
  expect(steps).toEqual(['token']);
});

describe('a new credential', () => {
  test('is registered before its first token, and only then', async () => {
    const source = create(false);
    await source.token();
    await source.token();
    expect(steps).toEqual(['enrol', 'token', 'token']);
  });

  test('is tried to be registered again when that failed', async () => {
    const source = create(false);
    enrolment = { kind: 'unreachable', detail: 'x' };
    await thrown(source.token(), TokenError);
    enrolment = null;
    await source.token();
    expect(steps).toEqual(['enrol', 'enrol', 'token']);
  });

  test('that is refused right after its registration is not registered again, and told by its id', async () => {
    answers = [FORGOTTEN];
    const { trouble } = await thrown(create(false).token(), TokenError);
    expect(trouble).toEqual({ kind: 'own_refused', clientId: 'own' });
    expect(steps).toEqual(['enrol', 'token']);
  });
});

describe('a credential that was registered before', () => {
  test('needs no registration', async () => {
    await create(true).token();
    expect(steps).toEqual(['token']);
  });

  test('and that the server has forgotten is registered again', async () => {
    answers = [FORGOTTEN, null];
    expect(await create(true).token()).toBe(TOKEN);
    expect(steps).toEqual(['token', 'enrol', 'token']);
  });

  test('and that is refused even then is not registered a third time', async () => {
    answers = [FORGOTTEN, FORGOTTEN, FORGOTTEN, FORGOTTEN];
    const source = create(true);
    await thrown(source.token(), TokenError);
    await thrown(source.token(), TokenError);
    await thrown(source.token(), TokenError);
    expect(steps).toEqual(['token', 'enrol', 'token', 'token', 'token']);
  });

  test('may be forgotten again after it has obtained a token', async () => {
    answers = [FORGOTTEN, null, FORGOTTEN, null];
    const source = create(true);
    await source.token();
    await source.token();
    expect(steps).toEqual(['token', 'enrol', 'token', 'token', 'enrol', 'token']);
  });

  test.each<[string, TokenTrouble]>([
    ['a server that is away', { kind: 'unreachable', detail: 'x' }],
    ['a busy one', { kind: 'busy', status: 503, retryAfterMs: null }],
    ['another refusal', { kind: 'refused', error: 'invalid_scope', description: null }],
    ['another issuer', { kind: 'wrong_issuer', expected: 'a', found: 'b' }],
  ])('is not registered again for %s', async (_, trouble) => {
    answers = [trouble];
    await thrown(create(true).token(), TokenError);
    expect(steps).toEqual(['token']);
  });
});
