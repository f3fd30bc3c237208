import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { createProgram, runProgram, settingFlags } from '../kit/command';
import { createConfirm } from '../kit/confirm';
import { createErrorLog } from '../kit/error-log';
import { standardOutput } from '../kit/output';
import { replacePrivateFile } from '../kit/secret-file';
import { createOwnCertificate, NO_CERTIFICATE } from './certificate';
import { createCommands } from './cli/commands';
import { type Configuration, readConfig, SETTINGS } from './config';
import { openSocket } from './stream/bun-socket';
import { VERSION } from './version';
import { terminalOf } from './watch/terminal';

// Whatever this process creates is for its own user alone, the files of libraries included.
process.umask(0o077);

const write = standardOutput();
const colour = !process.env['NO_COLOR'];
const program = createProgram({
  name: 'crypto-client',
  version: VERSION,
  about: 'Machine client of crypto-server: obtains and renews tokens by itself, reads the rates and passes them on',
  settings: SETTINGS,
  write,
});

const readFile = (path: string): string => readFileSync(path, 'utf8');
const terminal = process.stderr.isTTY;
let certificate = NO_CERTIFICATE;
const configure = (): Configuration => {
  const configuration = readConfig({ env: process.env, flags: settingFlags(program), readFile, terminal });
  const { ownCertificate: files, serverUrls: servers } = configuration.config;
  certificate = createOwnCertificate({ files, servers, now: Date.now });
  return { ...configuration, warnings: [...configuration.warnings, ...certificate.warnings] };
};
const withCertificate = (url: string, tls: Bun.TLSOptions = {}) => {
  const shown = certificate.shownTo(url);
  return shown === null ? {} : { tls: { ...tls, ...shown } };
};
const openLog = createErrorLog({
  service: 'crypto-client',
  version: VERSION,
  write,
  now: Date.now,
  terminal,
  colour,
  runtime: process,
  exit: (code) => process.exit(code),
});

const stopping = new AbortController();

createCommands(program, {
  configure,
  openLog,
  write,
  fetch: (request, init) => fetch(request, { ...init, ...withCertificate(request.url, init?.tls) }),
  openSocket: (url, headers, events) => openSocket(url, headers, events, withCertificate(url)),
  clock: { now: Date.now, elapsed: () => performance.now() },
  random: Math.random,
  randomBytes,
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  deadline: (ms) => AbortSignal.any([AbortSignal.timeout(ms), stopping.signal]),
  lookup: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  readFile,
  writeFile: replacePrivateFile,
  input: process.stdin.isTTY ? null : () => Bun.stdin.text(),
  confirm: process.stdin.isTTY ? createConfirm(process.stdin, process.stderr) : null,
  signals: process,
  exit: (code) => process.exit(code),
  abort: () => stopping.abort(),
  terminal: process.stdout.isTTY,
  screen: terminalOf(process, process.env['TERM'], write.out),
  colour,
});
process.exitCode = await runProgram(program, process.argv.slice(2), write, {
  debug: process.env['LOG_LEVEL'] === 'debug',
});
