import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createProgram, runProgram, settingFlags } from '../kit/command';
import { createConfirm } from '../kit/confirm';
import { createErrorLog } from '../kit/error-log';
import { standardOutput } from '../kit/output';
import { createCommands } from './commands';
import { type Configuration, readConfig, SETTINGS } from './config';
import { VERSION } from './version';
import { createSpawn, seatOf } from './workers/process';

// Whatever this process creates is for its own user alone, the files of libraries included.
process.umask(0o077);

const write = standardOutput();
const program = createProgram({
  name: 'crypto-server',
  version: VERSION,
  about: 'OAuth 2.0 authorization server for machines, with a protected, live crypto-rates API',
  settings: SETTINGS,
  write,
});

const readFile = (path: string): string => readFileSync(path, 'utf8');
const terminal = process.stderr.isTTY;
const configure = (): Configuration =>
  readConfig({ env: process.env, flags: settingFlags(program), readFile, terminal });
const openLog = createErrorLog({
  service: 'crypto-server',
  version: VERSION,
  write,
  now: Date.now,
  terminal,
  colour: !process.env['NO_COLOR'],
  runtime: process,
  exit: (code) => process.exit(code),
});

createCommands(program, {
  configure,
  openLog,
  write,
  fetch: (request, init) => fetch(request, init),
  openSocket: (url) => new WebSocket(url),
  confirm: process.stdin.isTTY ? createConfirm(process.stdin, process.stderr) : null,
  now: Date.now,
  elapsed: () => performance.now(),
  randomBytes,
  newId: randomUUID,
  cores: availableParallelism(),
  seat: seatOf(process.env),
  spawnWorker: createSpawn(process.argv.slice(2), process.env),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  signals: process,
  exit: (code) => process.exit(code),
});
process.exitCode = await runProgram(program, process.argv.slice(2), write, {
  debug: process.env['LOG_LEVEL'] === 'debug',
});
