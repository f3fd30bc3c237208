// What a browser does with the events of a client: it holds the rates as they are, and notices when it was not told something.
import type { SeenRate } from '../rates/model';
import type { RatesEvent } from '../stream/model';
import type { JoinedClient } from './joined';

/** One who follows. */
export interface Browser {
  /** The rates by symbol. */
  readonly rates: ReadonlyMap<string, SeenRate>;
  /** Number of the last tick. */
  seq(): number | null;
  /** Updates that did not begin where the one before ended. */
  readonly gaps: string[];
  /** Leaves. */
  leave(): Promise<void>;
}

/** Follows `/api/events`. */
export async function openBrowser(client: JoinedClient): Promise<Browser> {
  const leaving = new AbortController();
  const answer = await client.ask('/api/events', { signal: leaving.signal });
  const rates = new Map<string, SeenRate>();
  const gaps: string[] = [];
  let seq: number | null = null;
  const take = (event: RatesEvent): void => {
    if (event.type === 'snapshot') rates.clear();
    else if (event.from_seq !== seq) gaps.push(`${event.from_seq} → ${event.seq} after ${seq}`);
    for (const rate of event.rates) rates.set(rate.symbol, rate);
    seq = event.seq;
  };
  const read = async (): Promise<void> => {
    let text = '';
    for await (const piece of (answer.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const blocks = (text + piece).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, name] = /^event: (.*)$/m.exec(block) ?? [];
        const [, data] = /^data: (.*)$/m.exec(block) ?? [];
        if (name === 'snapshot' || name === 'update') take(JSON.parse(data ?? ''));
      }
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!leaving.signal.aborted) throw error;
  });
  return {
    rates,
    gaps,
    seq: () => seq,
    async leave() {
      leaving.abort();
      await reading;
    },
  };
}
