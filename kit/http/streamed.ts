// Answers that are written while they are sent, because they may be longer than the memory.

/** The same batches, once the first one is there: what fails until then is answered, and what fails later can only be cut off. */
export async function begun<Batch>(batches: AsyncIterable<Batch>): Promise<AsyncGenerator<Batch>> {
  const rest = batches[Symbol.asyncIterator]();
  const first = await rest.next();
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  })();
}

/** The pieces as the body of an answer. One is asked for when the last one is taken, and none once the caller has left. */
export function streamOf(pieces: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await pieces.return(undefined);
    },
  });
}
