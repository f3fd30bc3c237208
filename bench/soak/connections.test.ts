import { afterEach, describe, expect, test } from 'bun:test';
import type { Socket, TCPSocketListener } from 'bun';
import { until } from '../../db/testing-postgres';
import { type Connections, createConnections } from './connections';

/** A server that does with each request what it is told to. */
function listen(answer: (socket: Socket<unknown>, request: string) => void): TCPSocketListener<unknown> {
  return Bun.listen<unknown>({
    hostname: '127.0.0.1',
    port: 0,
    data: null,
    socket: { data: (socket, chunk) => answer(socket, chunk.toString()) },
  });
}

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('connections', () => {
  let server: TCPSocketListener<unknown>;
  let connections: Connections;
  afterEach(() => {
    connections.close();
    server.stop(true);
  });
  const open = (count: number, answer: (socket: Socket<unknown>, request: string) => void): void => {
    server = listen(answer);
    connections = createConnections({ port: server.port, count });
  };
  const ask = (request: string): Promise<string> =>
    new Promise((resolve) =>
      connections.send(request, (answer) =>
        resolve(typeof answer === 'string' ? answer : `${answer.status} ${answer.body}`),
      ),
    );

  test('an answer in pieces is put together', async () => {
    open(1, (socket) => {
      const [head = '', body = ''] = ok('whole').split('\r\n\r\n');
      const pieces = [head.slice(0, 20), `${head.slice(20)}\r\n\r\n`, body.slice(0, 2), body.slice(2)];
      for (const [at, piece] of pieces.entries())
        setTimeout(() => {
          socket.write(piece);
          socket.flush();
        }, at * 5);
    });
    expect(await ask('a')).toBe('200 whole');
  });

  test('one connection answers all who wait for it, in their order', async () => {
    open(1, (socket, request) => void socket.write(ok(request)));
    expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['200 a', '200 b', '200 c']);
  });

  test('a connection that is closed fails its request alone, and is opened again', async () => {
    open(1, (socket, request) => void (request === 'bad' ? socket.end() : socket.write(ok(request))));
    expect(await Promise.all(['a', 'bad', 'b'].map(ask))).toEqual(['200 a', 'the connection was closed', '200 b']);
  });

  test('where nobody listens, each request says so', async () => {
    open(2, () => {});
    server.stop(true);
    expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['no connection', 'no connection', 'no connection']);
  });

  test('an answer without a length is a fault, since where it ends is not known', async () => {
    open(1, (socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    expect(await ask('a')).toBe('an answer without a length');
  });

  test('who has just begun to wait is counted, and not given up', async () => {
    open(1, () => {});
    void ask('a');
    void ask('b');
    await until(() => connections.pending() === 2, 'both to wait');
    connections.giveUp();
    expect(connections.pending()).toBe(2);
  });
});
