// What the client says of itself, held against what the test knows.
import type { Clock } from '../ports';
import type { StatusReport } from '../status/report';
import type { JoinedClient } from './joined';

/** What is so, whatever the client says. */
export interface Facts {
  /** Since when no server can be reached, on the clock that never steps; null: one can. */
  readonly unreachableSinceMs: number | null;
  /** Base URLs of those that cannot be reached, though others can, and since when. */
  readonly gone?: ReadonlyMap<string, number>;
}

/** Collects what was not true. */
export interface Truth {
  /** Asks once, while no time passes. @returns what it said. */
  look(facts: Facts): Promise<StatusReport>;
  /** Each sentence with what was said. */
  readonly lies: string[];
}

/**
 * It may take the client this long to notice, in milliseconds: a stream gives a sign of life every ten seconds, and is taken for broken
 * five later; then the rates are fetched, which may take five. Time passes in steps of up to a second.
 */
const NOTICE_MS = 10_000 + 5_000 + 5_000 + 1_000;

/** Asks this client, while time passes in steps of `stepMs`: by one of them it may be late. */
export function createTruth(client: JoinedClient, clock: Clock, stepMs = 500): Truth {
  const lies: string[] = [];
  return {
    lies,
    async look(facts) {
      const [now, elapsed] = [clock.now(), clock.elapsed()];
      const said = await client.status();
      const moved = clock.elapsed() !== elapsed || clock.now() !== now;
      if (moved) throw new Error('time passed while the client was asked');
      for (const [sentence, holds] of Object.entries(sentences(said, facts, now, elapsed, NOTICE_MS + stepMs)))
        if (!holds) lies.push(`${sentence}: ${JSON.stringify({ now: new Date(now), facts, said })}`);
      return said;
    },
  };
}

function sentences(
  said: StatusReport,
  { unreachableSinceMs, gone = new Map() }: Facts,
  now: number,
  elapsed: number,
  noticeMs: number,
) {
  const { server, rates, stream, servers } = said;
  const ms = (at: string | null): number => Date.parse(at ?? '');
  const isOver = (sinceMs: number | null | undefined): boolean => sinceMs != null && elapsed - sinceMs > noticeMs;
  const isAlone = isOver(unreachableSinceMs);
  return {
    'it is authenticated while it has a token': said.authenticated === said.has_token,
    'a token it has ends, and later than now': !said.has_token || ms(said.token_expires_at) > now,
    'of no token it tells an end': said.has_token || (said.token_expires_at ?? said.token_expires_in) === null,
    'the end is in as many seconds as it says':
      !said.has_token || Math.abs((ms(said.token_expires_at) - now) / 1000 - Number(said.token_expires_in)) <= 1,
    'a server that is well has no error': server.state !== 'ok' || (server.last_error ?? server.away_since) === null,
    'a server that is away is so since some time, and for a reason':
      server.state !== 'away' || (ms(server.away_since) <= now && server.last_error !== null),
    'a planned attempt is to come': server.next_attempt_at === null || ms(server.next_attempt_at) > now - noticeMs,
    'the rates are as old as it says':
      rates.fetched_at === null || Math.abs((now - ms(rates.fetched_at)) / 1000 - Number(rates.age_seconds)) <= 1,
    'rates that come are not stale': rates.stale === (server.state !== 'ok' && rates.count > 0),
    'rates that it calls fresh are': server.state !== 'ok' || Number(rates.age_seconds) * 1000 <= noticeMs,
    'it has noticed that nobody can be reached': !isAlone || server.state === 'away',
    'it calls no stream live then': !isAlone || stream.state !== 'live',
    'a live stream has no error, and fresh rates':
      stream.state !== 'live' || (stream.last_error === null && Number(stream.data_age_seconds) * 1000 <= noticeMs),
    'a stream that reconnects has rates that are fresh enough':
      stream.state !== 'reconnecting' || Number(stream.data_age_seconds) * 1000 <= 30_000 + noticeMs,
    'both ages are one': stream.data_age_seconds === rates.age_seconds,
    'of the servers, one that is well has no error': servers.every(
      (one) => one.state !== 'ok' || one.last_error === null,
    ),
    'one that is not says why': servers.every(
      (one) => !['away', 'refused'].includes(one.state) || one.last_error !== null,
    ),
    'one that cannot be reached is not called well for long': servers.every(
      ({ url, state }) => state !== 'ok' || !isOver(gone.get(url)),
    ),
  };
}
