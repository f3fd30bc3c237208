// The page has its own words for what the API tells, since it knows nothing of the client; here the two are held against each other.
import { expect, test } from 'bun:test';
import type { StatusReport } from '../status/report';
import { createTestClient } from '../testing/client';
import type { Status } from './page/model';
import { startScriptedClient } from './testing-client';

/** The compiler refuses this as soon as the API tells anything otherwise than the page reads it. */
const asRead = (told: StatusReport): Status => told;

type Json = Readonly<Record<string, unknown>>;

test('the client of the tests tells nothing that the real one does not', async () => {
  const [real, scripted] = [createTestClient(), startScriptedClient()];
  await real.ask('/api/currencies');
  const told = asRead((await (await real.ask('/api/status')).json()) as StatusReport);
  const script = (await (await fetch(`${scripted.url}/api/status`)).json()) as Status;
  const pairs = [
    [script, told],
    [script.stream, told.stream],
    [script.servers[0], told.servers[0]],
    [script.credentials[0], told.credentials[0]],
    [script.credentials[0]?.renewal, told.credentials[0]?.renewal],
    [script.credentials[0]?.secret, told.credentials[0]?.secret],
  ] as unknown as readonly (readonly [Json, Json])[]; // An interface is no record to the compiler.
  for (const [one, other] of pairs) expect(Object.keys(other)).toEqual(expect.arrayContaining(Object.keys(one)));
  real.end();
  await scripted.close();
});
