// A network between a program and a service of this machine that can be cut, for tests: as in a real partition nothing is refused,
// nothing is closed, and what was sent meanwhile arrives when it is healed.
import { connect, createServer, type Socket } from 'node:net';

/** What stands between; programs connect to `port` in place of the service's own. */
export interface Partition {
  readonly port: number;
  /** Nothing gets through any more in either direction, nor does a new connection. */
  cut(): void;
  /** Everything gets through again. */
  heal(): void;
  close(): Promise<void>;
}

/** Stands before `port` of this machine, healed. */
export async function startPartition(port: number): Promise<Partition> {
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The end of one side is passed on to the other; why it ended is nobody's concern here.
    socket.on('error', () => {});
  };
  /** Runs now, or as soon as the cut is healed. */
  const whenWhole = (run: () => void): void => {
    if (isCut) waiting.add(run);
    else run();
  };
  const carry = (from: Socket, to: Socket): void => {
    from.on('data', (bytes: Buffer) => whenWhole(() => void (to.writable && to.write(bytes))));
    from.on('close', () => whenWhole(() => to.destroy()));
  };
  const server = createServer((near) => {
    keep(near);
    const early: Buffer[] = [];
    near.on('data', (bytes: Buffer) => void early.push(bytes));
    whenWhole(() => {
      if (near.destroyed) return;
      const far = connect({ host: '127.0.0.1', port });
      keep(far);
      near.removeAllListeners('data');
      for (const bytes of early) far.write(bytes);
      carry(near, far);
      carry(far, near);
    });
  });
  const bound = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  return {
    port: bound,
    cut: () => {
      isCut = true;
    },
    heal: () => {
      isCut = false;
      for (const run of [...waiting]) {
        waiting.delete(run);
        run();
      }
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
