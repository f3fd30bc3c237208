import { Problem } from '../../kit/http/problem';
import { receivedOf } from '../../kit/http/received';
import { sayNetworkError } from '../auth/answer';
import type { AuthorizedFetch } from '../auth/authorized-fetch';
import type { Schedule } from '../ports';
import { type Body, passing, readBody } from './body';
import { answerHeaders, requestHeaders } from './headers';
import { createWatchdog } from './watchdog';

/**
 * Longest wait for the headers of an answer, in milliseconds, from the last piece of the request that was sent; shorter than
 * the 75 s after which the caller's own connection counts as idle.
 */
export const HEADERS_MS = 60_000;

/** Longest wait for the next piece of an answer, in milliseconds. Streams of events send something every 10 s or so. */
export const IDLE_MS = 60_000;

/** What forwarding needs. */
export interface ForwardDeps {
  readonly schedule: Schedule;
  /** What this proxy calls itself in `Via`. */
  readonly name: string;
}

/** One request under way. */
export interface Passage {
  readonly request: Request;
  readonly url: string;
  readonly fetch: AuthorizedFetch;
  /** Called once, when nothing more is sent in either direction. */
  readonly ended: () => void;
}

/**
 * Passes a request on with a token, and the answer back, both as they come. A token that the target does not take is renewed
 * and the request sent once more, where its body was kept. Who leaves ends the request to the target too.
 * Rejects with `TokenError` without a token, and with Problem: 502 without an answer, 504 without one in time.
 */
export function createForward({ schedule, name }: ForwardDeps): (passage: Passage) => Promise<Response> {
  return async ({ request, url, fetch, ended }) => {
    const ending = new AbortController();
    let late = false;
    const { signal: left } = receivedOf(request);
    if (left.aborted) ending.abort();
    left.addEventListener('abort', () => ending.abort(), { once: true });
    const bark = (): void => {
      late = true;
      ending.abort();
    };
    const headersDog = createWatchdog(schedule, HEADERS_MS, bark);
    try {
      const body = await readBody(request);
      const headers = requestHeaders(request.headers, name);
      headersDog.feed();
      const { method } = request;
      const sent = sentBody(body, headersDog.feed);
      const passed = new Request(url, { method, headers, body: sent, redirect: 'manual', signal: ending.signal });
      const answer = await fetch(passed, body.kind === 'stream');
      headersDog.rest();
      return answerOf(answer, { name, schedule, ended, stop: () => ending.abort(), bark });
    } catch (error) {
      headersDog.rest();
      ending.abort();
      ended();
      throw late || isLate(error) ? noAnswerInTime(url) : explained(error, url);
    }
  };
}

function sentBody(body: Body, came: () => void): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null {
  if (body.kind === 'none') return null;
  return body.kind === 'kept' ? body.bytes : passing(body.stream, { wanted: () => {}, came, ended: () => {} });
}

/** Answers that have no body (RFC 9110 §15.3.5, §15.3.6, §15.4.5). */
const WITHOUT_BODY = new Set([204, 205, 304]);

interface Returning {
  readonly name: string;
  readonly schedule: Schedule;
  readonly ended: () => void;
  readonly stop: () => void;
  readonly bark: () => void;
}

function answerOf({ status, headers, body }: Response, { name, schedule, ended, stop, bark }: Returning): Response {
  const given = { status, headers: answerHeaders(headers, name) };
  if (body === null || WITHOUT_BODY.has(status)) {
    ended();
    return new Response(null, given);
  }
  const dog = createWatchdog(schedule, IDLE_MS, bark);
  const finish = (): void => {
    dog.rest();
    stop();
    ended();
  };
  return new Response(passing(body, { wanted: dog.feed, came: dog.rest, ended: finish }), given);
}

function explained(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error.name === 'TokenError' || error instanceof Problem) return error;
  return new Problem(502, 'Bad Gateway', `The target gives no answer: ${sayNetworkError(error, new URL(url).origin)}.`);
}

/** True when the servers together have taken too long. */
function isLate(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function noAnswerInTime(url: string): Problem {
  const detail = `${new URL(url).origin} has not answered within ${HEADERS_MS / 1000} s.`;
  return new Problem(504, 'Gateway Timeout', detail);
}
