// A stretch of network before a server, on which faults are made by hand.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../db/testing-postgres';

/** A port of its own that leads to another one. */
export interface Wire {
  readonly url: string;
  /** How long every piece is on its way, in milliseconds. */
  delayMs: number;
  /** Nothing comes through any more, yet connections are taken and stay open. */
  silence(): void;
  /** What was held back comes through, and all that follows. */
  speak(): void;
  /** From now on answers are broken off shortly after their heads. */
  breakAnswers(): void;
  /** Breaks off what is open, and refuses what would be opened. */
  cut(): Promise<void>;
  /** Takes connections again. */
  mend(): Promise<void>;
}

/** A wire to this port of 127.0.0.1, without faults. {@link Wire.cut} ends it. */
export async function layWire(to: number): Promise<Wire> {
  const port = await freePort();
  const open = new Set<Socket>();
  let listening: Server | null = null;
  let breaksAnswers = false;
  let gate = Promise.withResolvers<void>();
  gate.resolve();

  const carry = (from: Socket, into: Socket, partOf: (piece: Buffer) => Buffer): void => {
    let before = Promise.resolve();
    const after = (run: () => void): void => {
      const dueMs = performance.now() + wire.delayMs;
      before = before
        .then(() => Bun.sleep(Math.max(0, dueMs - performance.now())))
        .then(() => gate.promise)
        .then(run);
    };
    const pass = (piece: Buffer): void => {
      const part = partOf(piece);
      if (into.destroyed) return;
      if (part === piece) into.write(piece);
      // The head is heard before the end.
      else into.write(part, () => setTimeout(() => into.destroy(), 20));
    };
    from.on('data', (piece: Buffer) => after(() => pass(piece)));
    from.on('end', () => after(() => into.end()));
    from.on('error', () => into.resetAndDestroy());
    from.on('close', () => after(() => into.destroy()));
  };
  const take = (near: Socket): void => {
    const far = connect(to, '127.0.0.1');
    for (const one of [near, far]) {
      open.add(one);
      one.on('close', () => open.delete(one));
      one.setNoDelay(true);
    }
    carry(near, far, (piece) => piece);
    carry(far, near, (piece) => (breaksAnswers ? piece.subarray(0, piece.indexOf('\r\n\r\n') + 20) : piece));
  };
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      listening = createServer(take);
      listening.once('error', reject).listen(port, '127.0.0.1', () => resolve());
    });
  const wire: Wire = {
    url: `http://127.0.0.1:${port}`,
    delayMs: 0,
    silence: () => {
      gate = Promise.withResolvers();
    },
    speak: () => gate.resolve(),
    breakAnswers() {
      breaksAnswers = true;
    },
    async cut() {
      const closed = new Promise((resolve) => (listening === null ? resolve(null) : listening.close(resolve)));
      listening = null;
      for (const socket of open) socket.resetAndDestroy();
      await closed;
    },
    mend: listen,
  };
  await listen();
  return wire;
}
