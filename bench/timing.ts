import type { Figure } from './figure';
import { type Account, tokenForm } from './setting';
import { holm, mannWhitney, median, medianDifferenceInterval, shuffle } from './statistics';

/** Below this p value two kinds of refusal count as told apart. One run in a hundred says so by chance. */
const P_AT_LEAST = 0.01;

/**
 * Credentials of each kind of refusal, all of the same lengths, other ones for each request: the way argon2id takes through
 * the memory, and with it the time, is a little different for every pair of secret and salt.
 */
export interface Refusals {
  readonly unknownClient: () => Account;
  readonly wrongSecret: () => Account;
  readonly disabledClient: () => Account;
}

type Kind = keyof Refusals;

const PAIRS: readonly (readonly [string, Kind, Kind])[] = [
  ['Unknown client − wrong secret', 'unknownClient', 'wrongSecret'],
  ['Disabled client − wrong secret', 'disabledClient', 'wrongSecret'],
  ['Unknown client − disabled client', 'unknownClient', 'disabledClient'],
];

/**
 * Can a caller tell an unknown client, a wrong secret and a disabled client apart? `each` refusals of every kind, one
 * after another over one connection, in blocks of one each whose order is chance. Times are compared pair by pair with the
 * Mann–Whitney U test, corrected by Holm; the interval of the difference of medians comes from resampling. The answers
 * must be the same byte for byte, the date aside.
 */
export async function measureTiming(
  serverUrl: string,
  refusals: Refusals,
  options: { each: number; signal: AbortSignal },
): Promise<Figure[]> {
  const kinds = Object.keys(refusals) as Kind[];
  const micros: Record<Kind, number[]> = { unknownClient: [], wrongSecret: [], disabledClient: [] };
  const answers: Record<Kind, Set<string>> = {
    unknownClient: new Set(),
    wrongSecret: new Set(),
    disabledClient: new Set(),
  };
  for (let block = -WARM_UP_BLOCKS; block < options.each; block++) {
    for (const kind of shuffle(kinds, Math.random)) {
      options.signal.throwIfAborted();
      const { tookMicros, answer } = await ask(serverUrl, refusals[kind]());
      answers[kind].add(answer);
      if (block >= 0) micros[kind].push(tookMicros);
    }
  }
  const pValues = holm(PAIRS.map(([, a, b]) => mannWhitney(micros[a], micros[b])));
  const figures = PAIRS.map(([name, a, b], at): Figure => {
    const value = median(micros[a]) - median(micros[b]);
    const [low, high] = medianDifferenceInterval(micros[a], micros[b], Math.random);
    const note = `95 %: ${low.toFixed(0)} to ${high.toFixed(0)} µs of ${(median(micros[b]) / 1000).toFixed(1)} ms`;
    return {
      name,
      value,
      unit: 'µs',
      raw: null,
      hold: { of: 'p', measured: pValues[at] ?? 0, atLeast: P_AT_LEAST },
      note,
    };
  });
  const distinct = new Set(kinds.flatMap((kind) => [...answers[kind]]));
  return [...figures, contentFigure(distinct)];
}

const WARM_UP_BLOCKS = 10;

function contentFigure(distinct: ReadonlySet<string>): Figure {
  const [first = ''] = distinct;
  const note = `status, headers and body: ${first.length} characters`;
  const hold = { of: 'value', measured: distinct.size, atMost: 1 } as const;
  return { name: 'Different answers to the three', value: distinct.size, unit: 'same', raw: null, hold, note };
}

async function ask(serverUrl: string, account: Account): Promise<{ tookMicros: number; answer: string }> {
  const { method, path, headers, body } = tokenForm(account);
  // A request id of our own is echoed: without it answers would differ in their numbers.
  const request = { method, headers: { ...headers, 'x-request-id': 'bench-timing' }, body };
  const begun = performance.now();
  const response = await fetch(serverUrl + path, request);
  const text = await response.text();
  const tookMicros = (performance.now() - begun) * 1000;
  if (response.status !== 401) throw new Error(`A refusal was expected, ${response.status} came: ${text}`);
  const kept = [...response.headers].map(([name, value]) =>
    name === 'date' ? `${name}: (${value.length})` : `${name}: ${value}`,
  );
  return { tookMicros, answer: [response.status, ...kept, '', text].join('\n') };
}
