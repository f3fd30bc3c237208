import { describe, expect, test } from 'bun:test';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { createLog, type LogOptions } from './logs';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const ESCAPE = '\u001b';

function logTo(lines: string[], options: Partial<LogOptions> = {}) {
  return createLog({
    service: 'crypto-server',
    version: '1.2.3',
    level: 'info',
    format: 'json',
    now: () => AT,
    colour: false,
    write: (line) => lines.push(line),
    ...options,
  });
}

/** The one record that `fields` make. */
function record(fields: Record<string, unknown>, message = 'said'): Record<string, unknown> {
  const lines: string[] = [];
  logTo(lines).info(message, fields);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '');
}

describe('JSON', () => {
  test('a record is one line in ECS names', () => {
    expect(record({ 'http.request.id': 'r1', 'event.duration': 5, gone: undefined })).toEqual({
      '@timestamp': '2026-01-02T03:04:05.678Z',
      'log.level': 'info',
      message: 'said',
      'ecs.version': '8.17.0',
      'service.name': 'crypto-server',
      'service.version': '1.2.3',
      'http.request.id': 'r1',
      'event.duration': 5,
    });
  });

  test('fields cannot take the place of the names every record has', () => {
    expect(record({ message: 'forged', 'log.level': 'error', '@timestamp': 'x' })).toMatchObject({
      message: 'said',
      'log.level': 'info',
      '@timestamp': '2026-01-02T03:04:05.678Z',
    });
  });

  test('an error is told as type, message with causes, and stack', () => {
    const error = new TypeError('no answer', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
    const told = record({ error });
    expect(told).toMatchObject({ 'error.type': 'TypeError', 'error.message': 'no answer ← refused (ECONNREFUSED)' });
    expect(String(told['error.stack_trace'])).toStartWith('at ');
  });

  test('what JSON cannot hold is written all the same', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const told = record({
      cyclic,
      big: 10n,
      nan: Number.NaN,
      when: new Date(AT),
      bytes: new Uint8Array(3),
      f: () => 1,
    });
    expect(told).toMatchObject({
      big: '10',
      nan: 'NaN',
      when: '2026-01-02T03:04:05.678Z',
      bytes: '[3 bytes]',
      f: '[function]',
    });
  });

  test('controls and direction marks are escaped', () => {
    const lines: string[] = [];
    logTo(lines).info(`a${ESCAPE}[2J\nb\u009b\u202ec`, {});
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
    expect(lines[0]).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(lines[0] ?? '').message).toBe(`a${ESCAPE}[2J\nb\u009b\u202ec`);
  });

  test('an endless text is cut', () => {
    expect(String(record({ body: 'x'.repeat(100_000) })['body']).length).toBeLessThan(10_000);
  });
});

describe('levels', () => {
  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('%s lets through %p', (level, expected) => {
    const lines: string[] = [];
    const log = logTo(lines, { level });
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each](each);
    expect(lines.map((line) => JSON.parse(line)['log.level'])).toEqual([...expected]);
  });

  test('below the level nothing is looked at', () => {
    const log = logTo([]);
    const fields = {
      get trap(): never {
        throw new Error('was read');
      },
    };
    expect(() => log.debug('quiet', fields)).not.toThrow();
    expect(() => log.info('loud', fields)).toThrow('was read');
  });
});

test('with() adds fields to every record and leaves the first log as it was', () => {
  const lines: string[] = [];
  const log = logTo(lines);
  const inner = log.with({ 'client.id': 'a' }).with({ 'http.request.id': 'r', client_secret: 'hunter2' });
  inner.info('one', { 'client.id': 'b' });
  log.info('two');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    'client.id': 'b',
    'http.request.id': 'r',
    client_secret: '[redacted]',
  });
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('client.id');
});

describe('nothing secret is written', () => {
  const SECRET = 'hunter2';
  const postgres = Object.assign(new Error(`duplicate key (${SECRET})`), {
    code: '23505',
    severity: 'ERROR',
    routine: '_bt_check_unique',
    detail: `Key (x)=(${SECRET}) already exists.`,
  });
  const query = new DrizzleQueryError(
    `insert into clients values ('${SECRET}')`,
    [SECRET, '\n    at hunter2'],
    postgres,
  );
  const cases: [string, Record<string, unknown>][] = [
    ['fields named so', { client_secret: SECRET, 'x-admin-secret': SECRET, password: 1234 }],
    ['nested ones', { request: { headers: { Authorization: SECRET }, list: [{ token: SECRET }] } }],
    ['objects under such a name', { token: { value: SECRET } }],
    ['maps and headers', { a: new Map([['password', SECRET]]), b: new Headers({ cookie: SECRET }) }],
    ['JSON Web Keys', { key: { kty: 'EC', d: SECRET } }],
    [
      'text that carries them',
      { a: `Bearer ${SECRET}`, b: `postgres://u:${SECRET}@h/d`, c: `client_secret=${SECRET}` },
    ],
    ['URLs', { at: new URL(`http://u:${SECRET}@h/?token=${SECRET}`) }],
    ['errors', { error: new Error(`sent client_secret=${SECRET}`, { cause: new Error(`Basic ${SECRET}`) }) }],
    ['failed queries', { error: query }],
    ['failed queries further down', { error: new Error('registration', { cause: query }) }],
    ['failed queries under another name', { reason: query, list: [query] }],
    ['what the database itself says', { error: postgres }],
  ];
  test.each(cases)('%s', (_, fields) => {
    for (const format of ['json', 'pretty'] as const) {
      const lines: string[] = [];
      logTo(lines, { format }).error('failed', fields);
      expect(lines[0]).not.toContain(SECRET);
      expect(lines[0]).not.toContain('1234');
    }
  });

  test('of a failed query the SQLSTATE and the routine are told', () => {
    expect(record({ error: query })).toMatchObject({
      'error.message': 'query failed: SQLSTATE 23505 (_bt_check_unique)',
      'error.type': 'Error',
    });
  });

  test('of a lost connection its code', () => {
    const lost = new DrizzleQueryError('select 1', [], Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    expect(record({ error: lost })['error.message']).toBe('query failed: ECONNREFUSED');
  });

  test('a message is cleaned like a field', () => {
    expect(record({}, `sent Bearer ${SECRET}`)['message']).toBe('sent Bearer [redacted]');
  });
});

describe('pretty', () => {
  test('time, level, message, pairs; quotes only where they help', () => {
    const lines: string[] = [];
    logTo(lines, { format: 'pretty' }).warn('slow answer', { ms: 12, path: '/a b', empty: '', client: { id: 'x' } });
    const { 0: line = '' } = lines;
    expect(line).toMatch(/^\d\d:04:05\.678 WARN {2}slow answer ms=12 path="\/a b" empty="" client=\{"id":"x"\}$/);
  });

  test('what the message has said is not said again, nor what is empty', () => {
    const lines: string[] = [];
    const fields = { 'event.action': 'key_created', 'event.outcome': 'success', labels: {}, of: [], count: 0 };
    logTo(lines, { format: 'pretty' }).info('key_created', fields);
    expect(lines[0]).toEndWith(' key_created event.outcome=success count=0');
  });

  test('colour only when asked for', () => {
    const [plain, coloured]: [string[], string[]] = [[], []];
    logTo(plain, { format: 'pretty' }).error('x', { a: 1 });
    logTo(coloured, { format: 'pretty', colour: true }).error('x', { a: 1 });
    expect(plain[0]).not.toContain(ESCAPE);
    expect(coloured[0]).toContain(`${ESCAPE}[31mERROR${ESCAPE}[0m`);
  });

  test('a stack follows on lines of its own; nothing else can start a line', () => {
    const lines: string[] = [];
    logTo(lines, { format: 'pretty' }).error('broke\n00:00:00.000 INFO  forged', {
      error: new Error('a\nb'),
      k: `${ESCAPE}[2J`,
    });
    const [head, ...frames] = (lines[0] ?? '').split('\n');
    expect(head).toContain('broke\\n00:00:00.000');
    expect(head).not.toContain(ESCAPE);
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) expect(frame).toMatch(/^ {15}at /);
  });
});
