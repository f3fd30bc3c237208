// A process of its own that follows the rates over thousands of WebSockets: bare connections, since as many WebSocket objects
// would cost more than what they measure. `bun bench/followers.ts '<JSON of FollowersTask>'`; tells in lines of JSON on stdout.
import type { Socket } from 'bun';

/** What to follow, and with what. */
export interface FollowersTask {
  readonly port: number;
  /** Tokens that take turns. */
  readonly tokens: readonly string[];
  /** Connections that read, of a few currencies. */
  readonly readers: number;
  /** Connections that take all and read nothing. */
  readonly stalled: number;
}

/** What was seen from when all were connected until stdin said that it is enough. */
export interface Followed {
  /** Messages that came, of how many ticks. */
  readonly messages: number;
  readonly ticks: number;
  /** From the time of a tick to the last byte of its message, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Updates that do not follow what the reader had, or fold several ticks. */
  readonly notInStep: number;
  /** Readers that were closed. */
  readonly closed: number;
}

/** One connection. `rest`: what came of a message that has not begun to be understood; `left`: bytes to come of the one that has. */
interface Reader {
  rest: Buffer | null;
  left: number;
  seq: number;
  pending: number;
  isOpen: boolean;
}

/** Connections that are being opened at the same time. */
const OPENING_MAX = 100;

/** As much of a message as tells which tick it is of: the header of the frame, `type`, `from_seq` and `seq`. */
const BEGINNING_BYTES = 90;

/** What came before is waited for so long, in milliseconds. */
const LAST_MS = 1_500;

const SYMBOLS = 'BTC,ETH,SOL,XRP,ADA,DOT,LINK,LTC,BCH,XLM,UNI,DOGE,AVAX';

const task = JSON.parse(process.argv[2] ?? '') as FollowersTask;
/** Ticks by number: when each was, and how long it took to each reader. */
const ticks = new Map<number, { readonly atMs: number; readonly delaysMs: number[] }>();
let notInStep = 0;
let closed = 0;

function arrived(reader: Reader): void {
  const tick = ticks.get(reader.pending);
  tick?.delaysMs.push(Date.now() - tick.atMs);
}

/** Understands what came, message by message. */
function read(reader: Reader, chunk: Buffer): void {
  let bytes = reader.rest === null ? chunk : Buffer.concat([reader.rest, chunk]);
  reader.rest = null;
  while (bytes.length > 0) {
    if (reader.left > 0) {
      const taken = Math.min(reader.left, bytes.length);
      reader.left -= taken;
      bytes = bytes.subarray(taken);
      if (reader.left > 0) return;
      arrived(reader);
      continue;
    }
    const start = { 126: 4, 127: 10 }[(bytes[1] ?? 0) & 0x7f] ?? 2;
    const length =
      start === 2
        ? (bytes[1] ?? 0)
        : bytes.length < start
          ? 0
          : start === 4
            ? bytes.readUInt16BE(2)
            : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < Math.min(BEGINNING_BYTES, start + length) || bytes.length < start) {
      reader.rest = bytes;
      return;
    }
    begin(reader, bytes.subarray(start, start + BEGINNING_BYTES).toString('latin1'), bytes);
    reader.left = length;
    bytes = bytes.subarray(start);
  }
}

function begin(reader: Reader, text: string, bytes: Buffer): void {
  const [, from, seq] = /"(?:update","from_seq":(\d+)|snapshot"),"seq":(\d+)/.exec(text) ?? [];
  reader.pending = Number(seq ?? -1);
  if (seq === undefined) return;
  if (from !== undefined && (Number(from) !== reader.seq || Number(seq) !== reader.seq + 1)) notInStep += 1;
  reader.seq = Number(seq);
  if (from === undefined || ticks.has(reader.seq)) return;
  const [, at] = /"updated_at":"([^"]+)"/.exec(bytes.subarray(0, 1_000).toString('latin1')) ?? [];
  if (at !== undefined) ticks.set(reader.seq, { atMs: Date.parse(at), delaysMs: [] });
}

function open(token: string, isStalled: boolean): Promise<void> {
  const query = isStalled ? '' : `?symbols=${SYMBOLS}`;
  const head = `GET /api/currency/stream${query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const opened = Promise.withResolvers<void>();
  const reader: Reader = { rest: null, left: 0, seq: 0, pending: -1, isOpen: false };
  const gone = (): void => {
    if (!reader.isOpen) opened.reject(new Error('A connection was refused.'));
    else if (!isStalled) closed += 1;
  };
  const data = (socket: Socket<Reader>, chunk: Buffer): void => {
    if (reader.isOpen) {
      read(reader, chunk);
    } else if (chunk.toString('latin1').startsWith('HTTP/1.1 101')) {
      reader.isOpen = true;
      if (isStalled) socket.pause();
      read(reader, chunk.subarray(chunk.indexOf('\r\n\r\n') + 4));
      opened.resolve();
    } else {
      gone();
    }
  };
  Bun.connect<Reader>({
    hostname: '127.0.0.1',
    port: task.port,
    data: reader,
    socket: { open: (socket) => void socket.write(head), data, close: gone, error: gone, connectError: gone },
  }).catch(gone);
  return opened.promise;
}

async function openAll(): Promise<void> {
  const count = task.readers + task.stalled;
  let next = 0;
  const openSome = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      const token = task.tokens[at % task.tokens.length] ?? '';
      await open(token, at >= task.readers);
    }
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, openSome));
}

await openAll();
ticks.clear();
notInStep = 0;
console.log('open');
await Bun.stdin.text();
await Bun.sleep(LAST_MS);
// The first one had begun before all were there, and the last one has not ended.
const whole = [...ticks.values()].slice(1, -1);
const sorted = Float64Array.from(whole.flatMap(({ delaysMs }) => delaysMs)).sort();
const at = (share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
const followed: Followed = {
  messages: sorted.length,
  ticks: whole.length,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  maxMs: at(1),
  notInStep,
  closed,
};
console.log(JSON.stringify(followed));
process.exit(0);
