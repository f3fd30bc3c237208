import type { Log } from '../../kit/logs';
import type { TokenEvent } from '../auth/token-source';
import type { Counts } from '../metrics/counts';
import type { KeeperDeps } from './keeper';
import type { Registered } from './registration';
import { iso } from './view';

/** Who is told what becomes of tokens and secrets. */
export interface Telling {
  readonly log: Log;
  readonly count: Counts['add'];
}

/** Tells the log of tokens and of failures to get one. */
export function tellLog({ log, count }: Telling, clientId: () => string | null): (event: TokenEvent) => void {
  return (event) => {
    count(event.kind === 'obtained' ? 'token_granted' : 'token_failed');
    const id = { 'client.id': clientId() };
    if (event.kind === 'obtained') {
      const times = { 'token.expires': iso(event.token.expiresAtMs), 'token.renewal': iso(event.renewAtMs) };
      log.info('token obtained', { ...id, ...times });
      return;
    }
    const { error, nextAttemptAtMs, serving } = event;
    const details = { ...id, 'event.reason': error.trouble.kind, 'next.attempt': iso(nextAttemptAtMs) };
    if (error.cause !== undefined) log.error('obtaining a token failed', { ...details, error: error.cause });
    else if (serving) log.warn(`the token is not renewed yet and still serves: ${error.message}`, details);
    // Whoever needed the token says so in words of its own.
    else log.debug(`no token: ${error.message}`, details);
  };
}

/** Tells the log of a registration; what this client knew already is no news: the server may refuse it all the same. */
export function tellRegistered(
  log: Log,
  before: { readonly clientId: string | null; readonly registered: boolean },
  { existing }: Registered,
): void {
  if (existing && before.registered) return;
  log.info(existing ? 'registered before' : 'registered', { 'client.id': before.clientId });
}

/** Tells the log of secrets that were changed, or not. */
export function tellKeeper({ log, count }: Telling): KeeperDeps['told'] {
  return (event) => {
    count(event.kind === 'rotated' ? 'secret_rotated' : 'rotation_failed');
    if (event.kind === 'rotated') log.info('the secret was changed');
    else log.warn('looking after the secret failed; it is tried again', { error: event.error });
  };
}
