// Calls to the server, against one that sends its callers elsewhere.
import { expect, test } from 'bun:test';
import { createServerApi } from './server-api';

test('no redirect is followed, with a token or without: another address is not the server', async () => {
  let reached = 0;
  const elsewhere = Bun.serve({
    port: 0,
    fetch: () => {
      reached += 1;
      return Response.json([]);
    },
  });
  const server = Bun.serve({ port: 0, fetch: () => Response.redirect(elsewhere.url.href, 307) });
  try {
    const fetch = (request: Request) => globalThis.fetch(request);
    const deadline = () => AbortSignal.timeout(10_000);
    const api = createServerApi({ serverUrl: server.url.origin, fetch, authorizedFetch: fetch, deadline });
    expect(await api.rates()).toMatchObject({ kind: 'status', status: 307 });
    expect(await api.health()).toMatchObject({ kind: 'status', status: 307 });
    expect(reached).toBe(0);
  } finally {
    await Promise.all([server.stop(true), elsewhere.stop(true)]);
  }
});
