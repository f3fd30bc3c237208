// Both programs as processes of their own.
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { commandOf } from '../kit/testing';
import { waitFor } from '../server/testing';
import { startServerProcess } from '../server/testing-process';
import { clientFolder } from './testing/joined';

const TIMEOUT_MS = 30_000;

describe('two processes', () => {
  test(
    'show rates on the console, one JSON line at a time, and both stop cleanly',
    async () => {
      const [folder, clients] = [clientFolder(), clientFolder()];
      const server = await startServerProcess({ DATA_DIR: join(folder.path, 'server'), TICK_SECONDS: '1' });
      const env = {
        PORT: '0',
        CRYPTO_SERVER_URL: `http://localhost:${server.port}`,
        DATA_DIR: clients.path,
        FETCH_SECONDS: '1',
      };
      const client = Bun.spawn(commandOf('client'), {
        env,
        cwd: clients.path,
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const lines: string[] = [];
      const reading = (async () => {
        let rest = '';
        for await (const chunk of client.stdout) {
          const parts = (rest + new TextDecoder().decode(chunk)).split('\n');
          rest = parts.pop() ?? '';
          lines.push(...parts);
        }
      })();
      await waitFor(() => lines.length >= 3, 'three lines of rates');
      const shown = lines.map((line) => JSON.stringify(JSON.parse(line)));
      expect(shown.every((line) => line.includes('BTC'))).toBe(true);
      expect(new Set(shown).size).toBeGreaterThan(1);
      client.kill('SIGTERM');
      expect(await client.exited).toBe(0);
      await reading;
      server.signal('SIGTERM');
      expect(await server.exited).toBe(0);
      expect(server.err()).not.toMatch(/"log.level":"error"/);
      for (const { remove } of [folder, clients]) remove();
    },
    TIMEOUT_MS,
  );
});
