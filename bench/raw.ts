// The yardstick: a bare Bun.serve in a process of its own. `bun bench/raw.ts FILE` answers everything with the bytes of FILE.
const [, , file = ''] = process.argv;
const body = await Bun.file(file).bytes();
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: () => new Response(body, { headers: { 'content-type': 'application/json' } }),
});
console.log(server.port);
