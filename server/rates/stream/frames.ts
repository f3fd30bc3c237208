import { createBoundedMap } from '../../../kit/bounded-map';
import type { Rate } from '../model';
import type { StreamMessage } from './model';
import type { Selection } from './selection';

/** The rates of one tick. */
export interface Tick {
  readonly seq: number;
  readonly catalogueVersion: number;
  readonly rates: readonly Rate[];
}

type OfRates = Extract<StreamMessage, { type: 'snapshot' | 'update' }>;

/** A message without the rates, which are costly to write. */
export type Head = Pick<OfRates, 'type' | 'seq'> | Exclude<StreamMessage, OfRates>;

/** How one kind of connection puts a message on the wire; `json` is all of it. */
export type Wire<Frame> = (head: Head, json: string) => Frame;

/** Makes messages ready to be sent. */
export interface Frames {
  snapshot<Frame>(wire: Wire<Frame>, tick: Tick, selection: Selection): Frame;
  update<Frame>(wire: Wire<Frame>, tick: Tick, selection: Selection, fromSeq: number): Frame;
}

/** Frames kept of the tick that everybody waits for: one for each selection, and for each tick that somebody was left behind at. */
const KEPT_MAX = 256;

/**
 * Each message is written once for all who get the same: whoever wants the same currencies and had the same tick. What is
 * made of older ticks, for those who come back, is not kept.
 */
export function createFrames(): Frames {
  let newest: Tick | null = null;
  let texts = createTexts([]);
  let kept = createKept();
  const renew = (tick: Tick): boolean => {
    if (newest === null || tick.seq > newest.seq || tick.catalogueVersion > newest.catalogueVersion) {
      newest = tick;
      texts = createTexts(tick.rates);
      kept = createKept();
    }
    return tick.seq === newest.seq && tick.catalogueVersion === newest.catalogueVersion;
  };
  const frame = <Frame>(wire: Wire<Frame>, tick: Tick, selection: Selection, fromSeq: number | null): Frame => {
    const isNewest = renew(tick);
    const { seq } = tick;
    const key = `${fromSeq} ${selection.key}`;
    const known = isNewest ? kept(wire).get(key) : undefined;
    if (known !== undefined) return known;
    const rates = (isNewest ? texts : createTexts(tick.rates))(selection);
    const made =
      fromSeq === null
        ? wire({ type: 'snapshot', seq }, `{"type":"snapshot","seq":${seq},"rates":[${rates}]}`)
        : wire({ type: 'update', seq }, `{"type":"update","from_seq":${fromSeq},"seq":${seq},"rates":[${rates}]}`);
    if (isNewest) kept(wire).set(key, made);
    return made;
  };
  return {
    snapshot: (wire, tick, selection) => frame(wire, tick, selection, null),
    update: frame,
  };
}

/** Frames by wire: each has its own type of them. */
function createKept() {
  const byWire = new Map<Wire<unknown>, ReturnType<typeof createBoundedMap<string, unknown>>>();
  return <Frame>(wire: Wire<Frame>) => {
    const frames = byWire.get(wire) ?? createBoundedMap<string, unknown>(KEPT_MAX);
    byWire.set(wire, frames);
    return frames as ReturnType<typeof createBoundedMap<string, Frame>>; // It holds what this wire has made.
  };
}

/** The rates of a selection as the inside of a JSON array; each rate is written once. */
function createTexts(rates: readonly Rate[]): (selection: Selection) => string {
  let bySymbol: Map<string, string> | null = null;
  let all: string | null = null;
  return ({ symbols }) => {
    bySymbol ??= new Map(rates.map((rate) => [rate.symbol, JSON.stringify(rate)]));
    if (symbols === null) {
      all ??= [...bySymbol.values()].join();
      return all;
    }
    return symbols.flatMap((symbol) => bySymbol?.get(symbol) ?? []).join();
  };
}
