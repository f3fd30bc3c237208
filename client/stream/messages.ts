import type { StreamMessage } from '../../server/contract';
import { readRates, type SeenRate } from '../rates/model';

/** What a server told, judged: only what is used is taken from it. */
export type News =
  | { readonly kind: 'snapshot'; readonly seq: number; readonly rates: readonly SeenRate[] }
  | { readonly kind: 'update'; readonly fromSeq: number; readonly seq: number; readonly rates: readonly SeenRate[] }
  | { readonly kind: 'heartbeat'; readonly seq: number }
  | { readonly kind: 'shutdown'; readonly reconnectAfterMs: number }
  /** Answers to our own messages. */
  | { readonly kind: 'answer' };

/** Longest message that is taken, in characters: ten times one of 5,000 currencies. */
export const MESSAGE_CHARACTERS_MAX = 10_000_000;

/** Longest pause that a server may ask for, in milliseconds: a mistaken one must not silence the client. */
const PAUSE_MS_MAX = 300_000;

/** The message as {@link News}; null: it is none of a stream of rates. */
export function readMessage(text: string): News | null {
  if (text.length > MESSAGE_CHARACTERS_MAX) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return typeof value === 'object' && value !== null && 'type' in value ? judge({ ...value }) : null;
}

type Kind = StreamMessage['type'];

function judge(message: Readonly<Record<string, unknown>>): News | null {
  const { seq, from_seq: fromSeq, reconnect_after_ms: pauseMs } = message;
  switch (message['type'] as Kind) {
    case 'snapshot': {
      const rates = readRates(message['rates']);
      return rates !== null && isSeq(seq) ? { kind: 'snapshot', seq, rates } : null;
    }
    case 'update': {
      const rates = readRates(message['rates']);
      return rates !== null && isSeq(seq) && isSeq(fromSeq) ? { kind: 'update', fromSeq, seq, rates } : null;
    }
    case 'heartbeat':
      return isSeq(seq) ? { kind: 'heartbeat', seq } : null;
    case 'shutdown':
      return { kind: 'shutdown', reconnectAfterMs: isSeq(pauseMs) ? Math.min(pauseMs, PAUSE_MS_MAX) : 0 };
    case 'subscribed':
    case 'authorized':
    case 'error':
      return { kind: 'answer' };
    default:
      return null;
  }
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
