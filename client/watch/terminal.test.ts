// The program on a terminal of its own: whatever ends it, the terminal is as it was.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf } from '../../kit/testing';
import { waitFor } from '../../server/testing';
import { createDouble, type Double } from '../testing/double';

/** Bits of a terminal's local modes (POSIX termios): lines are edited, and what is typed is seen. */
const ICANON_AND_ECHO = 0b1010;
const TIMEOUT_MS = 20_000;

const ENTERED = '\u001b[?1049h';
const LEFT = '\u001b[?7h\u001b[?25h\u001b[?1049l';

let folder: string;
let double: Double;
let server: Bun.Server<undefined>;
let shown: string;
let terminal: Bun.Terminal;
let child: Bun.Subprocess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watch-'));
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request) => (double.down ? new Response(null, { status: 503 }) : double.fetch(request)),
  });
  double = createDouble({ issuer: `http://127.0.0.1:${server.port}`, now: Date.now });
  shown = '';
  const decoder = new TextDecoder();
  const data = (_: unknown, bytes: Uint8Array): void => {
    shown += decoder.decode(bytes);
  };
  terminal = new Bun.Terminal({ cols: 100, rows: 12, data });
});
afterEach(async () => {
  child.kill('SIGKILL');
  await child.exited;
  terminal.close();
  await server.stop(true);
  rmSync(folder, { recursive: true, force: true });
});

const start = async (env: Record<string, string> = {}): Promise<void> => {
  child = Bun.spawn([...commandOf('client'), 'rates', '--watch'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      TERM: 'xterm-256color',
      CRYPTO_SERVER_URL: `http://127.0.0.1:${server.port}`,
      DATA_DIR: join(folder, 'data'),
      ...env,
    },
    terminal,
  });
  await waitFor(() => shown.includes('45,000.00'), 'the rates');
};
const isRaw = (): boolean => (terminal.localFlags & ICANON_AND_ECHO) === 0;
/** What was written last comes through the terminal a moment after the program that wrote it has ended. */
const isAsItWas = async (): Promise<boolean> => {
  await waitFor(() => shown.endsWith(LEFT), 'the end of the full screen');
  return (terminal.localFlags & ICANON_AND_ECHO) === ICANON_AND_ECHO;
};
const processState = (): string => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';

describe('the full screen', () => {
  test(
    'is the whole terminal while it is watched',
    async () => {
      await start();
      expect(shown).toStartWith(`${ENTERED}\u001b[?25l`);
      expect(isRaw()).toBe(true);
      expect(shown).toContain('\u001b[32m● Live\u001b[0m');
      terminal.write('/eth');
      await waitFor(() => shown.includes('1 of 2 rates'), 'the filter');
      terminal.resize(40, 12);
      await waitFor(
        () =>
          shown.endsWith('\u001b[?2026l') &&
          shown.includes('\u001b[12;1H\u001b[2mType a part of a symbol or a name. Ente'),
        'the narrow frame',
      );
      terminal.write('\u001bq');
      expect(await child.exited).toBe(0);
      expect(await isAsItWas()).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    'has no colours for who wants none',
    async () => {
      await start({ NO_COLOR: '1' });
      expect(shown).toContain('● Live · 2 rates');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: SGR sequences are looked for
      expect(shown).not.toMatch(/\u001b\[\d+m/);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['q', 0],
    ['\u001b', 0],
    ['\u0003', 0],
  ])(
    'is given back after %p',
    async (key, code) => {
      await start();
      terminal.write(key);
      expect([await child.exited, await isAsItWas()]).toEqual([code, true]);
    },
    TIMEOUT_MS,
  );

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'is given back after %s',
    async (signal) => {
      await start();
      child.kill(signal);
      expect([await child.exited, await isAsItWas()]).toEqual([0, true]);
    },
    TIMEOUT_MS,
  );

  test.each(['Ctrl-Z', 'SIGTSTP'])(
    'is lent to the shell by %s, and taken again',
    async (how) => {
      await start();
      if (how === 'Ctrl-Z') terminal.write('\u001a');
      else child.kill('SIGTSTP');
      await waitFor(() => processState() === 'T', 'the stop');
      expect(await isAsItWas()).toBe(true);
      const before = shown.length;
      child.kill('SIGCONT');
      await waitFor(() => shown.slice(before).includes('45,000.00'), 'the frame');
      expect([shown.slice(before).startsWith(ENTERED), isRaw()]).toEqual([true, true]);
      terminal.write('q');
      expect([await child.exited, await isAsItWas()]).toEqual([0, true]);
    },
    TIMEOUT_MS,
  );

  test(
    'says that the server is away, and goes on with the last rates',
    async () => {
      await start({ FETCH_SECONDS: '1' });
      double.down = true;
      await waitFor(() => /Reconnecting in \d+ s/.test(shown), 'the word');
      expect(child.exitCode).toBeNull();
    },
    TIMEOUT_MS,
  );
});

test(
  'a terminal that cannot move its cursor gets lines',
  async () => {
    await start({ TERM: 'dumb' });
    expect(shown).not.toContain('\u001b[?');
  },
  TIMEOUT_MS,
);
