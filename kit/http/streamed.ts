// Answers that are written while they are sent, because they may be longer than the memory.
import type { Coding } from './accept-encoding';

/** The same batches, once the first one is there: what fails until then is answered, and what fails later can only be cut off. */
export async function begun<Batch>(batches: AsyncIterable<Batch>): Promise<AsyncGenerator<Batch>> {
  const rest = afterFirst(batches[Symbol.asyncIterator]());
  await rest.next();
  return rest;
}

/** Stands still once it has the first batch, before it gives it: only a generator that has begun does what it does at its end. */
async function* afterFirst<Batch>(batches: AsyncIterator<Batch>): AsyncGenerator<Batch> {
  try {
    let next = await batches.next();
    yield undefined as Batch; // Nobody is given this.
    for (; next.done !== true; next = await batches.next()) yield next.value;
  } finally {
    await batches.return?.();
  }
}

/**
 * The pieces as the body of an answer. One is asked for when the last one is taken, and none once the caller has left. Where
 * one fails, `broken` is told and the connection is cut: the caller must not take what he has for all of it.
 */
export function streamOf(
  pieces: AsyncGenerator<string>,
  broken: (error: unknown) => void,
  coding: Coding = 'identity',
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const plain = pulled(pieces, (text) => encoder.encode(text), broken);
  if (coding === 'identity') return plain;
  // It takes any kind of bytes, which TypeScript does not see to include these.
  return plain.pipeThrough(new CompressionStream(coding) as TransformStream<Uint8Array, Uint8Array>);
}

/** The same of bytes. */
export function bytesOf(
  pieces: AsyncGenerator<Uint8Array>,
  broken: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  return pulled(pieces, (bytes) => bytes, broken);
}

function pulled<Piece>(
  pieces: AsyncGenerator<Piece>,
  encode: (piece: Piece) => Uint8Array,
  broken: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const { value, done } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(encode(value));
      } catch (error) {
        broken(error);
        throw error;
      }
    },
    cancel: async () => {
      await pieces.return(undefined);
    },
  });
}
