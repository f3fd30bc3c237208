// What the documents tell people to type, typed: every block of shell commands, in one shell for each document.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshEmbedded } from '../db/testing';
import { freePort } from '../db/testing-postgres';
import { commandOf } from '../kit/testing';
import { ADMIN_SECRET, startTestServer, waitFor } from '../server/testing';
import { clientFolder } from './testing/joined';

const ROOT = join(import.meta.dir, '..');
const TOOLS = ['bash', 'curl', 'openssl', 'sed'];
const TIMEOUT_MS = 120_000;

/** The blocks of a document that hold this text, as one script. */
function commandsIn(document: string, having: string): string {
  const blocks = [...readFileSync(join(ROOT, document), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)];
  return blocks
    .map(([, block = '']) => block)
    .filter((block) => block.includes(having))
    .join('\n');
}

/** Both programs as if they had been built here, and started by `bun run start`. */
async function startBoth() {
  const folder = clientFolder();
  mkdirSync(join(folder.path, 'data/server'), { recursive: true });
  writeFileSync(join(folder.path, 'data/server/admin-secret'), ADMIN_SECRET);
  symlinkSync(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  const database = await freshEmbedded();
  // Who signs an assertion in a shell has the time of this machine. Clients with certificates are made, and never come.
  const settings = { now: Date.now, behindProxy: true, mtlsAuthorities: '-----' };
  const server = await startTestServer(database, { settings });
  await server.services.ticker.tick();
  const port = await freePort();
  for (const [name, at] of [
    ['server', server.port],
    ['client', port],
  ] as const) {
    const program = join(folder.path, `crypto-${name}`);
    const command = commandOf(name).map((word) => `'${word}'`);
    writeFileSync(program, `#!/bin/sh\nPORT=${at} exec ${command.join(' ')} "$@"\n`);
    chmodSync(program, 0o755);
  }
  const env = { PATH: process.env['PATH'] ?? '', CRYPTO_SERVER_URL: `http://localhost:${server.port}` };
  const options = { cwd: folder.path, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' } as const;
  const client = Bun.spawn(['./crypto-client'], { ...options, stdout: 'ignore', stderr: 'ignore' });
  const isReady = () =>
    fetch(`http://localhost:${port}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(isReady, 'the client');
  return {
    /** Runs the commands until one fails. `answered` is the status of each request by curl that was refused. */
    run: async (commands: string) => {
      const told = `curl() { command curl -w '%{stderr}HTTP %{http_code} %{url_effective}\\n' "$@"; }`;
      const here = commands
        .replaceAll('localhost:8000', `localhost:${server.port}`)
        .replaceAll('localhost:8001', `localhost:${port}`);
      const shell = Bun.spawn(['bash', '--norc', '-euc', `${told}\n${here}`], options);
      const [out, err] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
      const refused = err.split('\n').filter((line) => /^HTTP [^2]/.test(line));
      return { code: await shell.exited, out, err, refused };
    },
    stop: async () => {
      client.kill('SIGTERM');
      await client.exited;
      await server.close();
      await database.close();
      folder.remove();
    },
  };
}

describe.skipIf(TOOLS.some((tool) => Bun.which(tool) === null))('what is to be typed works as written', () => {
  let both: Awaited<ReturnType<typeof startBoth>>;
  beforeAll(async () => {
    both = await startBoth();
  }, TIMEOUT_MS);
  afterAll(() => both.stop());

  test(
    'README.md: the flow by hand',
    async () => {
      const { code, out, err, refused } = await both.run(commandsIn('README.md', '/api/auth/register'));
      expect([code, code === 0 ? '' : err]).toEqual([0, '']);
      expect(refused).toEqual([]);
      expect(out).toContain('"symbol":"BTC"');
      expect(out).toMatch(/Bitcoin/);
    },
    TIMEOUT_MS,
  );

  test(
    'docs/client.md',
    async () => {
      const { code, out, err, refused } = await both.run(commandsIn('docs/client.md', ''));
      expect([code, code === 0 ? '' : err]).toEqual([0, '']);
      expect(refused).toEqual([]);
      expect(out).toContain('"symbol":"BTC"');
    },
    TIMEOUT_MS,
  );

  test(
    'docs/market.md',
    async () => {
      const { code, out, err, refused } = await both.run(commandsIn('docs/market.md', ''));
      expect([code, code === 0 ? '' : err]).toEqual([0, '']);
      expect(refused).toEqual([]);
      expect(out).toMatch(/^{"items":\[.*\[{"open_time":.*seq,rate,at\r\n0,45000,/s);
    },
    TIMEOUT_MS,
  );

  test(
    'docs/streams.md',
    async () => {
      const { code, out, err, refused } = await both.run(commandsIn('docs/streams.md', ''));
      expect([code, code === 0 ? '' : err]).toEqual([0, '']);
      expect(refused).toEqual([]);
      expect(out).toMatch(/^id: \d+\nevent: snapshot\ndata: {"type":"snapshot",.*"symbol":"ETH"/m);
    },
    TIMEOUT_MS,
  );

  test(
    'docs/guide.md, from top to bottom',
    async () => {
      const { code, out, err, refused } = await both.run(commandsIn('docs/guide.md', ''));
      expect([code, code === 0 ? '' : err]).toEqual([0, '']);
      // The one refusal is what the guide shows how to look up.
      expect(refused).toEqual([expect.stringMatching(/^HTTP 401 \S+\/api\/auth\/token$/)]);
      expect(out).toMatch(/"active":true[\s\S]*"active":false/);
      expect(out).toMatch(/reason +secret_ended/);
      expect(out).toContain('The audit trail is intact');
      expect(err).not.toMatch(/error|unknown/i);
    },
    TIMEOUT_MS,
  );
});
