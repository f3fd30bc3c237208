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
 * Each message is written once for all who get the same: whoever wants the same currencies and had the same tick. Of older
 * ticks, for those who come back, only the rates are kept, for as long as the tick is.
 */
export function createFrames(): Frames {
  const textsOf = createTexts();
  let newest: Tick | null = null;
  let kept = createKept();
  const renew = (tick: Tick): boolean => {
    if (newest === null || tick.seq > newest.seq || tick.catalogueVersion > newest.catalogueVersion) {
      newest = tick;
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
    const rates = textsOf(tick)(selection);
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

/** Rates of a selection as the inside of a JSON array. */
type Texts = (selection: Selection) => string;

/** What is written of each tick is gone with it. */
function createTexts(): (tick: Tick) => Texts {
  const byTick = new WeakMap<Tick, Texts>();
  return (tick) => {
    const texts = byTick.get(tick) ?? textsOfRates(tick.rates);
    byTick.set(tick, texts);
    return texts;
  };
}

/** Only what somebody wants is written, and that once. */
function textsOfRates(rates: readonly Rate[]): Texts {
  const written = new Map<string, string>();
  let bySymbol: ReadonlyMap<string, Rate> | null = null;
  let all: string | null = null;
  const write = (symbol: string): string[] => {
    bySymbol ??= new Map(rates.map((rate) => [rate.symbol, rate]));
    const rate = bySymbol.get(symbol);
    if (rate === undefined) return [];
    const text = written.get(symbol) ?? JSON.stringify(rate);
    written.set(symbol, text);
    return [text];
  };
  return ({ symbols }) => {
    if (symbols !== null) return symbols.flatMap(write).join();
    all ??= JSON.stringify(rates).slice(1, -1);
    return all;
  };
}
