/**
 * Memory that replicas share: one Redis for all of them. Nothing rests on it that could not go on without it: whoever asks
 * is told when it is away, and then goes by a memory of its own. Apart, because who asks knows only {@link Redis}.
 */
import { createHash } from 'node:crypto';
import type { Log } from '../../kit/logs';
import { createCalls } from './calls';
import { connectTo, type Send, type Session } from './session';

/** Redis did not answer, or not in time: what it was asked for may have been done or not. */
export class RedisAway extends Error {
  constructor() {
    super('Redis is away');
  }
}

/** One Redis, or its absence. */
export interface Redis {
  /** False while it is away: then nothing is asked, so that nobody waits. */
  up(): boolean;
  /** Runs a script (Lua), one of the few that this program has. @throws RedisAway within {@link RedisOptions.answerMs}. */
  run(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  /** Has this done on each new connection before it is used; when it fails, Redis stays away. */
  greet(greeting: (send: Send) => Promise<void>): void;
  /** Tries once, for {@link CONNECT_MS} at most, and goes on by itself. Never rejects. */
  open(): Promise<void>;
  close(): void;
}

/** What a connection stands on. */
export interface RedisOptions {
  /** `redis://` or `rediss://`, which may hold a password. */
  readonly url: string;
  readonly log: Log;
  /** Milliseconds that a request waits at most; {@link ANSWER_MS} when left out. */
  readonly answerMs?: number;
}

/** So long does a request wait at most, in milliseconds: a hundred round trips on one network. Afterwards nobody asks for a while. */
export const ANSWER_MS = 100;

/** A new connection is given up after this long, in milliseconds. */
export const CONNECT_MS = 1_000;

/** So long is nothing tried after a failure, in milliseconds. */
export const RETRY_MS = 1_000;

/** One Redis. Until `open` it is away. */
export function createRedis({ url, log, answerMs = ANSWER_MS }: RedisOptions): Redis {
  const fields = { 'server.address': new URL(url).host };
  const greetings: ((send: Send) => Promise<void>)[] = [];
  const evaluate = createEvaluation();
  const calls = createCalls(answerMs, () => lose('it did not answer in time'));
  let session: Session | null = null;
  let retry: Timer | null = null;
  let told: 'nothing' | 'away' | 'up' = 'nothing';
  let closed = false;

  const away = (reason: string): void => {
    if (closed) return;
    if (told !== 'away')
      log.warn('Redis is away: this server goes by its own memory until it is back', {
        ...fields,
        'error.message': reason,
      });
    told = 'away';
    if (retry !== null) clearTimeout(retry);
    retry = setTimeout(() => void connect(), RETRY_MS);
  };
  const lose = (reason: string): void => {
    if (session === null) return;
    const lost = session;
    session = null;
    lost.close();
    calls.failAll(new RedisAway());
    away(reason);
  };
  const connect = async (): Promise<void> => {
    if (session !== null || closed) return;
    try {
      const made = await connectTo({
        url,
        timeoutMs: CONNECT_MS,
        greetings,
        broken: () => lose('the connection broke'),
      });
      if (closed) return made.close();
      session = made;
    } catch (error) {
      return away(reasonOf(error));
    }
    if (told === 'away') log.info('Redis is back: its memory is shared again', fields);
    told = 'up';
  };
  return {
    up: () => session !== null,
    run: (script, keys, args) => {
      const asked = session;
      if (asked === null) return Promise.reject(new RedisAway());
      const answer = evaluate(asked.send, script, [String(keys.length), ...keys, ...args]);
      return calls.wait(answer, (error) => {
        if (session === asked) lose(reasonOf(error));
        return new RedisAway();
      });
    },
    greet: (greeting) => void greetings.push(greeting),
    open: connect,
    close: () => {
      closed = true;
      if (retry !== null) clearTimeout(retry);
      session?.close();
      session = null;
      calls.failAll(new RedisAway());
    },
  };
}

/** Runs scripts by what they are called on the server, which is the SHA-1 of their text. */
function createEvaluation(): (send: Send, script: string, rest: readonly string[]) => Promise<unknown> {
  const names = new Map<string, string>();
  return async (send, script, rest) => {
    const name = names.get(script) ?? createHash('sha1').update(script).digest('hex');
    names.set(script, name);
    try {
      return await send('EVALSHA', name, ...rest);
    } catch (error) {
      // It has forgotten all scripts (`SCRIPT FLUSH`); the text makes it remember.
      if (!reasonOf(error).startsWith('NOSCRIPT')) throw error;
      return send('EVAL', script, ...rest);
    }
  };
}

/** For the log. What Redis says of a command names keys, which are digests, and no values. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown';
}
