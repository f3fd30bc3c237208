// A process of its own that asks by the clock: a request is due when it is due, whether or not those before it were answered, and
// its time counts from then on. So a server that stands still for a second is seen by all who would have come within it.
// `bun bench/soak/load.ts`: told by lines of JSON on stdin, tells by lines of JSON on stdout.
import { createInterface } from 'node:readline';
import { type Account, goodAnswer, tokenForm, tokenIn } from '../setting';
import { shuffle } from '../statistics';
import { type Answer, createConnections } from './connections';
import { createHistogram, type Histogram } from './histogram';
import { openReaders } from './readers';
import { createRequests, KINDS, type Kind, type Request, SCHEDULE } from './requests';
import { createTokens, type Held } from './tokens';

/** The first line on stdin. Each one after it is an `Account` that has rotated its secret. The end of stdin is the end. */
export interface LoadTask {
  readonly port: number;
  /** Requests a second. */
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly accounts: readonly Account[];
  /** Readers of the stream. */
  readonly readers: number;
}

/** What was seen of one kind of request, in milliseconds. */
export interface KindSeen {
  readonly kind: Kind;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** What was seen after the warm-up; errors are of all the time. */
export interface LoadSeen {
  readonly seconds: number;
  /** Those that were answered. */
  readonly kinds: readonly KindSeen[];
  /** What must not happen, with how often it did. */
  readonly errors: Readonly<Record<string, number>>;
  /** Messages of the stream. */
  readonly messages: number;
  /** Keys that signed the tokens that were used. */
  readonly keys: number;
}

/** As many requests are under way at the same time; those beyond it wait, and their time counts. */
const CONNECTIONS = 64;

/** Tokens in use: so many that a tenth of those that are issued replace each within a third of a minute. */
const TOKENS_PER_RATE = 0.2;

/** The clock is looked at so often, in milliseconds: so much later than due a request can be sent. */
const LOOK_MS = 1;

/** Tokens of streams are shown anew so often, in milliseconds. */
const AUTHORIZE_MS = 60_000;

/** The last answers are waited for so long, in milliseconds. */
const LAST_MS = 12_000;

/** Different things that go wrong are told apart up to here. */
const ERRORS_MAX = 50;

async function run(task: LoadTask, lines: AsyncIterator<string>): Promise<LoadSeen> {
  const host = `localhost:${task.port}`;
  const clients = task.accounts.map((account) => ({ account }));
  const tokens = createTokens(await firstTokens(host, clients), Math.max(1, Math.round(task.rate * TOKENS_PER_RATE)));
  const errors = new Map<string, number>();
  const wrong = (what: string): void => {
    const name = errors.has(what) || errors.size < ERRORS_MAX ? what : 'others';
    errors.set(name, (errors.get(name) ?? 0) + 1);
  };
  const readers = openReaders({ url: `ws://${host}/api/currency/stream`, count: task.readers, clients, tokens, wrong });
  await readers.opened();
  const connections = createConnections({ port: task.port, count: CONNECTIONS });
  const request = createRequests({ tokens, clients, host });
  const times = new Map(KINDS.map((kind) => [kind, createHistogram()]));
  const isEnded = takeRotations(lines, clients);
  const timers = [setInterval(connections.giveUp, 1_000), setInterval(readers.authorize, AUTHORIZE_MS)];
  const measuredFromMs = performance.now() + task.warmUpSeconds * 1_000;
  const endMs = await byTheClock(task, isEnded, (kind, dueMs) => {
    const asked = request(kind);
    connections.send(asked.text, (answer) => {
      const fault = faultOf(asked, answer);
      if (fault !== null) wrong(fault);
      else if (dueMs >= measuredFromMs) times.get(asked.kind)?.record(performance.now() - dueMs);
    });
  });
  const deadlineMs = performance.now() + LAST_MS;
  while (connections.pending() > 0 && performance.now() < deadlineMs) await Bun.sleep(LOOK_MS);
  for (const timer of timers) clearInterval(timer);
  readers.close();
  connections.close();
  return {
    seconds: Math.max(0, endMs - measuredFromMs) / 1_000,
    kinds: [...times].filter(([, { count }]) => count() > 0).map(([kind, histogram]) => seenOf(kind, histogram)),
    errors: Object.fromEntries(errors),
    messages: readers.messages(),
    keys: tokens.keys(),
  };
}

/** Calls for each request when it is due. @returns when it was over. */
async function byTheClock(
  { rate, warmUpSeconds, seconds }: LoadTask,
  isEnded: () => boolean,
  send: (kind: Kind, dueMs: number) => void,
): Promise<number> {
  const schedule = shuffle(SCHEDULE, Math.random);
  const startMs = performance.now();
  const untilMs = startMs + (warmUpSeconds + seconds) * 1_000;
  const dueMs = (at: number): number => startMs + (at * 1_000) / rate;
  for (let sent = 0; ; await Bun.sleep(LOOK_MS)) {
    const nowMs = Math.min(performance.now(), untilMs);
    for (; dueMs(sent) <= nowMs; sent++) send(schedule[sent % schedule.length] ?? 'rates', dueMs(sent));
    if (nowMs === untilMs || isEnded()) return nowMs;
  }
}

function seenOf(kind: Kind, of: Histogram): KindSeen {
  const [p50Ms, p99Ms, p999Ms] = [50, 99, 99.9].map(of.percentile) as [number, number, number];
  return { kind, requests: of.count(), p50Ms, p99Ms, p999Ms, maxMs: of.maxMs() };
}

/** Null: the answer is the right one. Else what is wrong, in words that hold no secret. */
function faultOf(asked: Request, answer: Answer | string): string | null {
  if (typeof answer === 'string') return `${asked.kind}: ${answer}`;
  if (asked.isRight(answer)) return null;
  const [, reason = ''] = /"(?:error|title)":"([^"]*)"/.exec(answer.body.toString('latin1', 0, 500)) ?? [];
  return `${asked.kind}: ${answer.status} ${reason}`.trimEnd();
}

async function firstTokens(host: string, clients: readonly Held['client'][]): Promise<Held[]> {
  const held: Held[] = [];
  for (const client of clients)
    held.push({ client, token: tokenIn(await goodAnswer(`http://${host}`, tokenForm(client.account))) });
  return held;
}

/** True from the end of stdin on. */
function takeRotations(lines: AsyncIterator<string>, clients: readonly Held['client'][]): () => boolean {
  let isEnded = false;
  const takeAll = async (): Promise<void> => {
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      const account = JSON.parse(line.value) as Account;
      for (const client of clients) if (client.account.id === account.id) client.account = account;
    }
    isEnded = true;
  };
  void takeAll();
  return () => isEnded;
}

// Ctrl-C goes to all processes of the terminal; the one that started this one says when it is over.
process.on('SIGINT', () => {});
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { value: first = '' } = await lines.next();
console.log(JSON.stringify(await run(JSON.parse(first) as LoadTask, lines)));
process.exit(0);
