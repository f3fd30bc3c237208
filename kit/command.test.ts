import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram, Refusal, runProgram, settingFlags } from './command';
import { SHELLS } from './completion';
import { ConfigFault, integer, setting, text } from './config';
import { usesSettings } from './help';

const SETTINGS = {
  PORT: setting({ about: 'port to listen on', parse: integer(0, 65_535), fallback: 8000 }),
  DATA_DIR: setting({ about: "the server's folder", parse: text(), fallback: './data/server' }),
  ADMIN_SECRET: setting<string | null>({ about: 'who may', parse: text(), fallback: null, secret: true }),
  VAULT_KEY: setting<string | null>({ about: 'what opens', parse: text(), fallback: null, secret: true }),
};

/** Runs the sample program; what it wrote, its exit code, and the commands that ran. */
async function run(line: string, debug = false) {
  const [out, err, ran]: [string[], string[], string[]] = [[], [], []];
  const write = { out: (t: string) => void out.push(t), err: (t: string) => void err.push(t) };
  const program = createProgram({
    name: 'crypto-server',
    version: '1.2.3',
    about: 'About it.',
    settings: SETTINGS,
    write,
  });
  program
    .command('serve', { isDefault: true })
    .description('run the server')
    .action(() => void ran.push('serve'));
  program
    .command('rates')
    .description('print rates')
    .option('--watch', 'go on')
    .option('--json', 'as JSON')
    .action(() => void ran.push('rates'));
  program
    .command('refuse')
    .description('it')
    .action(() => {
      throw new Refusal('port 8000 is taken: set PORT');
    });
  program
    .command('fault')
    .description('it')
    .action(() => {
      throw new ConfigFault(['PORT: expected a', 'HOST: expected b']);
    });
  program
    .command('break')
    .description('it')
    .action(async () => {
      throw new TypeError('client_secret=hunter2\nsecond line');
    });
  program
    .command('make')
    .description('it')
    .requiredOption('--name <text>', 'its name')
    .option('--json', 'as JSON')
    .action(() => void ran.push('make'));
  const clients = usesSettings(program.command('clients'), ['PORT', 'ADMIN_SECRET']).description('manage clients');
  clients
    .command('list')
    .description('list them')
    .action(() => void ran.push('clients list'));
  const code = await runProgram(program, line.split(' ').filter(Boolean), write, { debug });
  return { code, out: out.join(''), err: err.join(''), ran, flags: settingFlags(program) };
}

describe('what runs', () => {
  test.each([
    ['', 'serve'],
    ['serve', 'serve'],
    ['--port 1', 'serve'],
    ['rates --watch', 'rates'],
    ['--port 1 rates --json', 'rates'],
    ['clients list', 'clients list'],
  ])('"%s" runs %s', async (line, command) => {
    expect(await run(line)).toMatchObject({ code: 0, ran: [command], err: '', out: '' });
  });

  test('only the flags that were given count, before or after the command', async () => {
    expect((await run('serve')).flags).toEqual({});
    expect((await run('--port 1 rates --data-dir=/x --config c.toml')).flags).toEqual({
      PORT: '1',
      DATA_DIR: '/x',
      CONFIG_FILE: 'c.toml',
    });
  });
});

describe('a wrong command line is one line on stderr and exit code 2', () => {
  test.each([
    ['serv', "unknown command 'serv' (did you mean serve?)"],
    ['rtaes', "unknown command 'rtaes' (did you mean rates?)"],
    ['xyzzy', "unknown command 'xyzzy': crypto-server --help lists what there is"],
    ['clients lst', "unknown command 'lst' (did you mean list?)"],
    ['--prot 1', "unknown option '--prot' (did you mean --port?)"],
    ['rates --wacth', "unknown option '--wacth' (did you mean --watch?)"],
    ['rates --zzzzzzzz', "unknown option '--zzzzzzzz': crypto-server rates --help lists what there is"],
    ['clients list --watch', "unknown option '--watch': crypto-server clients list --help lists what there is"],
    ['clients list --wacth', "unknown option '--wacth': crypto-server clients list --help lists what there is"],
    ['clients list --prot 1', "unknown option '--prot' (did you mean --port?)"],
    ['make', "required option '--name <text>' not specified"],
    [
      'serve more hunter2',
      "too many arguments for 'serve'. Expected 0 arguments, got 2: crypto-server serve --help lists what there is",
    ],
    ['--port', "option '--port <value>' argument missing"],
    [
      'completion tcsh',
      "command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish.",
    ],
    [
      '--admin-secret hunter2',
      '--admin-secret is not a flag: set ADMIN_SECRET or ADMIN_SECRET_FILE in the environment',
    ],
    [
      'serve --admin-secret=hunter2',
      '--admin-secret is not a flag: set ADMIN_SECRET or ADMIN_SECRET_FILE in the environment',
    ],
  ])('"%s"', async (line, message) => {
    expect(await run(line)).toMatchObject({ code: 2, err: `crypto-server: ${message}\n`, out: '', ran: [] });
  });
});

describe('help and version', () => {
  test('--version', async () => {
    expect(await run('--version')).toMatchObject({ code: 0, out: '1.2.3\n', err: '', ran: [] });
  });

  test('--help shows commands, and settings with what they are for and their defaults; secrets as variables', async () => {
    const { code, out, err } = await run('--help');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('About it.');
    expect(out).toMatch(/--port <value> +port to listen on \(default: 8000\)/);
    expect(out).toMatch(/clients +manage clients/);
    expect(out).toContain('ADMIN_SECRET');
    expect(out).not.toContain('--admin-secret');
  });

  test.each(['rates --help', 'help rates'])('"%s" shows the command and the settings', async (line) => {
    const { code, out } = await run(line);
    expect([code, out.includes('--watch'), out.includes('--data-dir')]).toEqual([0, true, true]);
    expect(out).toMatch(/_FILE after its name to read a file:\n {2}ADMIN_SECRET, VAULT_KEY\n/);
  });

  test('a command that acts on some settings shows those, its secrets among them, and no others', async () => {
    const { out } = await run('clients list --help');
    expect(out).toMatch(/--config <file>[\s\S]*--port <value>/);
    expect(out).not.toContain('--data-dir');
    expect(out).toMatch(/_FILE after its name to read a file:\n {2}ADMIN_SECRET\n/);
    expect((await run('clients list --data-dir /x')).flags).toEqual({ DATA_DIR: '/x' });
  });

  test('one that needs none shows none', async () => {
    expect((await run('completion --help')).out).not.toMatch(/--config|--port|Secrets/);
  });

  test('an option that must be given is marked', async () => {
    const { out } = await run('make --help');
    expect(out).toMatch(/--name <text> +its name \(required\)/);
    expect(out).toMatch(/--json +as JSON\n/);
  });
});

describe('what a command throws', () => {
  test('a refusal is its line and exit code 1', async () => {
    expect(await run('refuse')).toMatchObject({ code: 1, err: 'crypto-server: port 8000 is taken: set PORT\n' });
  });

  test('faults of the settings are a line each', async () => {
    expect(await run('fault')).toMatchObject({
      code: 1,
      err: 'crypto-server: PORT: expected a\ncrypto-server: HOST: expected b\n',
    });
  });

  test('anything else is one line without secrets; its stack only when debugging', async () => {
    const line = 'crypto-server: unexpected error: TypeError: client_secret=[redacted]\\nsecond line\n';
    expect(await run('break')).toMatchObject({ code: 1, err: line });
    const { err } = await run('break', true);
    expect(err).toStartWith(line);
    expect(err).toMatch(/\nat .*command\.test\.ts/);
  });
});

describe('completion', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    writeFileSync(join(folder, 'crypto-server'), '#!/bin/sh\n');
    chmodSync(join(folder, 'crypto-server'), 0o755);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** What bash offers after `words`, the last of which is being typed. */
  async function offered(...words: string[]): Promise<string[]> {
    const script = join(folder, 'completion.bash');
    writeFileSync(script, (await run('completion bash')).out);
    const body = `source ${script}; complete -p crypto-server >/dev/null || exit 9
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _crypto_server; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, exitCode } = Bun.spawnSync(['bash', '--norc', '-uc', body, 'bash', 'crypto-server', ...words]);
    expect(exitCode).toBe(0);
    return stdout.toString().split('\n').filter(Boolean);
  }

  test('bash completes commands, subcommands, flags and arguments', async () => {
    expect(await offered('se')).toEqual(['serve']);
    expect(await offered('clients', 'l')).toEqual(['list']);
    expect(await offered('rates', '--w')).toEqual(['--watch']);
    expect(await offered('--port', '1', 'rates', '--j')).toEqual(['--json']);
    expect(await offered('rates', '--da')).toEqual(['--data-dir']);
    expect(await offered('completion', '')).toContain('fish');
    expect(await offered('serve', '--watch')).toEqual([]);
  });

  test('after a flag that takes a value nothing of ours is offered, so that bash offers files', async () => {
    expect(await offered('--config', '')).toEqual([]);
  });

  test.each(SHELLS)('the %s script names every command and flag, and no secret', async (shell) => {
    const { code, out } = await run(`completion ${shell}`);
    expect(code).toBe(0);
    for (const word of ['serve', 'rates', 'clients', 'list', 'watch', 'data-dir', 'config'])
      expect(out).toContain(word);
    expect(out).not.toContain('admin-secret');
  });
});
