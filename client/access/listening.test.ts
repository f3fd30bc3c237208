// The same over connections: whose attempts are counted, and where a password that was made is found.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { clientFolder, type JoinedClient, startJoinedClient } from '../testing/joined';
import { createWorld } from '../testing/world';
import { passwordFile } from './password';

let folder: ReturnType<typeof clientFolder>;
let client: JoinedClient;

beforeEach(() => {
  folder = clientFolder();
  client = startJoinedClient(createWorld(), {
    HOST: '0.0.0.0',
    CRYPTO_SERVER_URL: 'http://127.0.0.1:1',
    DATA_DIR: folder.path,
  });
});

afterEach(async () => {
  await client.stop();
  folder.remove();
});

/** Status of the answer to a caller at this address. */
const statusFrom = (localAddress: string, path: string, password: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const auth = `anybody:${password}`;
    request({ host: '127.0.0.1', port: client.port, path, auth, localAddress }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

test('the log names the file of the password that was made, never the password', async () => {
  const password = readFileSync(passwordFile(folder.path), 'utf8').trim();
  expect(client.logged.join()).toContain(passwordFile(folder.path));
  expect(client.logged.join()).not.toContain(password);
  expect(await statusFrom('127.0.0.1', '/api/status', password)).toBe(200);
});

test('attempts are counted for each address', async () => {
  const password = readFileSync(passwordFile(folder.path), 'utf8').trim();
  for (let count = 0; count < 10; count++) expect(await statusFrom('127.0.0.2', '/api/status', 'wrong')).toBe(401);
  expect(await statusFrom('127.0.0.2', '/api/status', password)).toBe(429);
  expect(await statusFrom('127.0.0.3', '/api/status', password)).toBe(200);
});

test('metrics are for this machine without the password', async () => {
  expect(await statusFrom('127.0.0.1', '/metrics', '')).toBe(200);
});
