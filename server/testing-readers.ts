// Readers of the events who come back by `Last-Event-ID`, as a browser does.

/** One reader. */
export interface Reader {
  /** Number of each tick that was read. */
  readonly seqs: readonly number[];
  /** Notices that a server is going. */
  readonly shutdowns: number;
  /** What came twice, went back or was missed. */
  readonly faults: readonly string[];
  leave(): Promise<void>;
}

/** How one reads. */
export interface Following {
  /** Base URLs, taken in turns, one each time that he comes. */
  readonly urls: readonly string[];
  /** Value of the header. */
  readonly authorization: string;
  /** He comes anew after so many ticks; when left out, he stays as long as he may. */
  readonly stay?: number;
  /** False where a fresh snapshot in place of what was missed is no fault. */
  readonly gapless?: boolean;
}

/** Pause before coming back: a reader without one would do nothing else while a server is away. */
const BACK_MS = 50;

/** Follows the events until he is told to leave. */
export function follow({ urls, authorization, stay = Number.POSITIVE_INFINITY, gapless = true }: Following): Reader {
  const left = new AbortController();
  const reader = { seqs: [] as number[], shutdowns: 0, faults: [] as string[] };
  let comes = 0;
  const hear = (event: string): void => {
    const name = /^event: (\w+)$/m.exec(event)?.[1];
    if (name === 'shutdown') reader.shutdowns += 1;
    if (name !== 'snapshot' && name !== 'update') return;
    const { from_seq: from, seq } = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as {
      from_seq?: number;
      seq: number;
    };
    const before = reader.seqs.at(-1);
    const isFresh = !gapless && name === 'snapshot';
    if (before !== undefined && ((!isFresh && from !== before) || seq <= before))
      reader.faults.push(`${before}, then ${name} ${from}–${seq}`);
    reader.seqs.push(seq);
  };
  const read = async (): Promise<void> => {
    const url = urls[comes++ % urls.length];
    const enough = new AbortController();
    const last = reader.seqs.at(-1);
    const headers = { authorization, ...(last === undefined ? {} : { 'last-event-id': String(last) }) };
    const signal = AbortSignal.any([left.signal, enough.signal]);
    const { body } = await fetch(`${url}/api/currency/events`, { headers, signal });
    const until = reader.seqs.length + stay;
    let text = '';
    for await (const chunk of body ?? []) {
      const parts = (text + Buffer.from(chunk).toString()).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) hear(part);
      if (reader.seqs.length >= until) enough.abort();
    }
  };
  const reading = (async () => {
    while (!left.signal.aborted) {
      await read().catch(() => {});
      await Bun.sleep(BACK_MS);
    }
  })();
  return Object.assign(reader, {
    leave: async () => {
      left.abort();
      await reading;
    },
  });
}
