import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  ConfigFault,
  decimal,
  describeSettings,
  integer,
  list,
  oneOf,
  readSettings,
  type Sources,
  setting,
  text,
} from './config';

const SETTINGS = {
  HOST: setting({ about: 'where it listens', parse: text({ max: 253 }), fallback: '127.0.0.1' }),
  PORT: setting({ about: 'its port', parse: integer(0, 65_535), fallback: 8000 }),
  TICK_VOLATILITY: setting({ about: 'largest move', parse: decimal(0, 0.1), fallback: 0.005 }),
  REGISTRATION: setting<'open' | 'closed' | null>({ about: 'who', parse: oneOf('open', 'closed'), fallback: null }),
  PUBLIC_URLS: setting({
    about: 'urls',
    parse: list(text({ pattern: /^https:/, what: 'a URL such as https://…' })),
    fallback: [],
  }),
  ADMIN_SECRET: setting<string | null>({ about: 'secret', parse: text({ min: 16 }), fallback: null, secret: true }),
};

function read(given: Partial<Sources> & { files?: Record<string, string> }) {
  const { files = {}, ...sources } = given;
  const readFile = (path: string) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return content;
  };
  return readSettings(SETTINGS, { env: {}, flags: {}, readFile, ...sources });
}

function faultsOf(given: Parameters<typeof read>[0]): readonly string[] {
  try {
    read(given);
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
  return [];
}

/** The settings file, given by the environment. */
function toml(content: string, env: Record<string, string> = {}) {
  return { env: { CONFIG_FILE: 'c.toml', ...env }, files: { 'c.toml': content } };
}

describe('where a value comes from', () => {
  test('nothing set: every default, all frozen', () => {
    const { values, origins } = read({});
    expect(values).toEqual({
      HOST: '127.0.0.1',
      PORT: 8000,
      TICK_VOLATILITY: 0.005,
      REGISTRATION: null,
      PUBLIC_URLS: [],
      ADMIN_SECRET: null,
    });
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']));
    expect(Object.isFrozen(values)).toBe(true);
  });

  test('flags beat the environment, the environment beats the file, the file beats the default', () => {
    const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(port, port, port, (flag, env, file) => {
        const { values, origins } = read({
          flags: { CONFIG_FILE: 'c.toml', PORT: flag?.toString() },
          env: { PORT: env?.toString() },
          files: { 'c.toml': file === undefined ? '' : `PORT = ${file}` },
        });
        expect(values.PORT).toBe(flag ?? env ?? file ?? 8000);
        const origin =
          flag !== undefined ? 'flag' : env !== undefined ? 'environment' : file !== undefined ? 'file' : 'default';
        expect(origins.PORT).toBe(origin);
      }),
    );
  });

  test('an empty variable is an unset one', () => {
    expect(read({ env: { PORT: '', ADMIN_SECRET: '', CONFIG_FILE: '' } }).origins.PORT).toBe('default');
  });

  test('--config beats CONFIG_FILE', () => {
    const files = { 'a.toml': 'PORT = 1', 'b.toml': 'PORT = 2' };
    expect(read({ env: { CONFIG_FILE: 'a.toml' }, flags: { CONFIG_FILE: 'b.toml' }, files }).values.PORT).toBe(2);
  });

  test('the file takes text, numbers and lists', () => {
    const content = 'HOST = "::1"\nPORT = "81"\nTICK_VOLATILITY = 1e-7\nPUBLIC_URLS = ["https://a", "https://b"]';
    expect(read(toml(content)).values).toMatchObject({
      HOST: '::1',
      PORT: 81,
      TICK_VOLATILITY: 1e-7,
      PUBLIC_URLS: ['https://a', 'https://b'],
    });
  });

  test('a secret is read from its file, without one line feed at the end', () => {
    const { values, origins } = read({ env: { ADMIN_SECRET_FILE: '/s' }, files: { '/s': 'sixteen characters\n' } });
    expect([values.ADMIN_SECRET, origins.ADMIN_SECRET]).toEqual(['sixteen characters', 'environment']);
  });

  test('the environment beats the secret file named in the settings file', () => {
    const given = toml('ADMIN_SECRET_FILE = "/s"', { ADMIN_SECRET: 'from the environment' });
    expect(read(given).values.ADMIN_SECRET).toBe('from the environment');
  });
});

describe('faults', () => {
  const table: [string, Parameters<typeof read>[0], string][] = [
    [
      'a value that does not fit',
      { env: { PORT: 'x' } },
      'PORT: expected an integer from 0 to 65535, got "x" (environment)',
    ],
    ['one in the file', toml('PORT = 70000'), 'PORT: expected an integer from 0 to 65535, got "70000" (file)'],
    ['an empty flag', { flags: { HOST: '' } }, 'HOST: expected text of 1 to 253 characters, got "" (flag)'],
    [
      'a word that is not offered',
      { env: { REGISTRATION: 'Open' } },
      'REGISTRATION: expected one of open, closed, got "Open" (environment)',
    ],
    [
      'an item of a list',
      { env: { PUBLIC_URLS: 'https://a, http://b' } },
      'PUBLIC_URLS: expected a list, separated by commas, of: a URL such as https://…, got "https://a, http://b" (environment)',
    ],
    [
      'a short secret',
      { env: { ADMIN_SECRET: 'hunter2' } },
      'ADMIN_SECRET: expected text of 16 to 4096 characters, what was given does not fit (environment)',
    ],
    [
      'a secret given twice',
      { env: { ADMIN_SECRET: 'x', ADMIN_SECRET_FILE: '/s' } },
      'ADMIN_SECRET and ADMIN_SECRET_FILE are both set: keep one of them',
    ],
    [
      'a secret file that is missing',
      { env: { ADMIN_SECRET_FILE: '/s' } },
      'ADMIN_SECRET_FILE: expected a file that can be read, got "/s" (no such file)',
    ],
    [
      'a settings file that is missing',
      { flags: { CONFIG_FILE: 'x' } },
      'CONFIG_FILE: expected a TOML file that can be read, got "x"',
    ],
    [
      'a settings file that is no TOML',
      toml('PORT = 1\nADMIN_SECRET = hunter2\nHOST = "a"'),
      'CONFIG_FILE: c.toml is not valid TOML near line 2 (text needs quotation marks)',
    ],
    ['a name that is unknown', toml('PROT = 1'), '"PROT" in c.toml is not a setting: did you mean PORT?'],
    ['a table', toml('[PORT]\na = 1'), 'PORT: expected text, a number, a boolean or a list of them in c.toml'],
    ['a name of every object', toml('constructor = 1'), '"constructor" in c.toml is not a setting'],
  ];
  test.each(table)('%s', (_, given, fault) => {
    expect(faultsOf(given)).toEqual([fault]);
  });

  test('a password inside a URL is not repeated', () => {
    expect(faultsOf({ env: { PUBLIC_URLS: 'http://u:hunter2@h' } })[0]).not.toContain('hunter2');
  });

  test('any combination is reported completely, in one throw', () => {
    const bad = {
      PORT: '-1',
      TICK_VOLATILITY: 'much',
      REGISTRATION: 'maybe',
      PUBLIC_URLS: 'ftp://x',
      ADMIN_SECRET: 'short',
    };
    fc.assert(
      fc.property(fc.subarray(Object.entries(bad)), fc.subarray(['NOPE', 'PORTS']), (wrong, unknown) => {
        const given = toml(unknown.map((name) => `${name} = 1`).join('\n'), Object.fromEntries(wrong));
        const faults = faultsOf(given);
        expect(faults).toHaveLength(wrong.length + unknown.length);
        for (const [name] of wrong) expect(faults.some((fault) => fault.startsWith(`${name}: `))).toBe(true);
        for (const name of unknown) expect(faults.some((fault) => fault.startsWith(`"${name}" `))).toBe(true);
      }),
    );
  });
});

test('settings that depend on each other are judged with the rest, a faulty one as if unset', () => {
  const together = ({ HOST, PORT }: { HOST: string; PORT: number }) =>
    HOST !== '127.0.0.1' ? [`${HOST}:${PORT} needs more`] : [];
  const sources = { env: { HOST: 'h', PORT: 'x' }, flags: {}, readFile: () => '' };
  expect(() => readSettings(SETTINGS, sources, together)).toThrow(
    'PORT: expected an integer from 0 to 65535, got "x" (environment)\nh:8000 needs more',
  );
});

describe('secrets', () => {
  const secret = fc.string({ minLength: 12, maxLength: 40 }).map((tail) => `Zq${tail}`.replaceAll(/[\r\n]/g, '-'));

  test('never appear in faults, wherever they were given', () => {
    const wordy = setting({
      about: 'repeats what it is given',
      parse: (given): string => {
        throw new Error(`something other than ${given}`);
      },
      fallback: '',
      secret: true,
    });
    fc.assert(
      fc.property(secret, fc.constantFrom('env', 'file', 'twin'), (value, place) => {
        const env = { env: { S: value }, file: { CONFIG_FILE: 'c' }, twin: { S_FILE: 's' } }[place];
        const files: Record<string, string> = { c: `S = ${JSON.stringify(value)}`, s: value };
        const readFile = (path: string) => files[path] ?? '';
        const attempt = () => readSettings({ S: wordy }, { env, flags: {}, readFile });
        expect(attempt).toThrow(ConfigFault);
        try {
          attempt();
        } catch (error) {
          expect(String(error)).not.toContain(value);
        }
      }),
    );
  });

  test('are masked where settings are shown', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 16 }).map((tail) => `Zq${tail}`),
        (value) => {
          const rows = describeSettings(SETTINGS, read({ env: { ADMIN_SECRET: value } }));
          expect(JSON.stringify(rows)).not.toContain(JSON.stringify(value).slice(1, -1));
          expect(rows.at(-1)).toEqual({ name: 'ADMIN_SECRET', value: '••••••••', origin: 'environment' });
        },
      ),
    );
  });
});

test('settings are shown as they would be written', () => {
  const rows = describeSettings(SETTINGS, read({ env: { PUBLIC_URLS: 'https://a,https://b', PORT: '9' } }));
  expect(rows.map(({ name, value, origin }) => `${name} ${value} ${origin}`)).toEqual([
    'HOST 127.0.0.1 default',
    'PORT 9 environment',
    'TICK_VOLATILITY 0.005 default',
    'REGISTRATION (unset) default',
    'PUBLIC_URLS https://a,https://b environment',
    'ADMIN_SECRET (unset) default',
  ]);
});

describe('parsers', () => {
  const refused: [string, (text: string) => unknown, string[]][] = [
    ['integer', integer(-5, 10), ['', ' 1', '1.0', '1e1', '0x1', '11', '-6', '٣', 'NaN', '99999999999999999999']],
    ['decimal', decimal(0, 1), ['', '.5', '1.', '1,5', '-0.1', '1.01', 'Infinity', '1e999']],
    ['text', text({ min: 2, max: 3, pattern: /^[a-z]+$/ }), ['', 'a', 'abcd', 'A1']],
  ];
  test.each(refused)('%s refuses what it should', (_, parse, texts) => {
    for (const given of texts) expect(() => parse(given), given).toThrow();
  });

  test('integer and decimal read every number of their range', () => {
    fc.assert(fc.property(fc.integer(), (n) => expect(integer(-(2 ** 31), 2 ** 31)(String(n))).toBe(n)));
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (n) =>
        expect(decimal(0, 1)(String(n))).toBeCloseTo(n, 15),
      ),
    );
  });

  test('text counts characters, not code units', () => {
    expect(text({ min: 1, max: 1 })('😀')).toBe('😀');
  });
});
