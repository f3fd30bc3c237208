/** Bytes that arrive in pieces of any length, taken as lines and as runs of a known length. */
export interface Pieces {
  /** Up to the next line feed, without it. Rejects when there is none in `max` bytes. */
  line(max: number): Promise<string>;
  /** The next `bytes` bytes. Rejects when there are fewer. */
  take(bytes: number): AsyncGenerator<Uint8Array>;
}

/** Takes from this source, which nobody else may read. */
export function createPieces(source: AsyncIterable<Buffer>): Pieces {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const next = async (): Promise<Buffer> => {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error('The bytes end too early.');
    return value;
  };
  return {
    line: async (max) => {
      while (!held.includes('\n')) {
        if (held.length > max) throw new Error('There is no line.');
        held = Buffer.concat([held, await next()]);
      }
      const end = held.indexOf('\n');
      const text = held.toString('utf8', 0, end);
      held = held.subarray(end + 1);
      return text;
    },
    take: async function* (bytes) {
      for (let left = bytes; left > 0; ) {
        if (held.length === 0) held = await next();
        const piece = held.subarray(0, left);
        held = held.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    },
  };
}
