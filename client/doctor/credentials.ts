import type { Report } from '../../kit/finding';
import { type AccessToken, TokenError } from '../auth/token';
import type { Clock } from '../ports';
import { judgeRates } from '../rates/outcome';
import type { ServerAnswer } from '../server-api';
import { duration } from '../status/duration';

/** A credential that is tried. */
export interface TriedCredential {
  readonly name: string;
  /** Base URLs of its servers, and the issuer that they must name. */
  readonly servers: readonly string[];
  readonly issuer: string;
  /** A token that was asked for just now, and not one that was kept. Rejects with `TokenError`. */
  freshToken(): Promise<AccessToken>;
  /** The rates, read with its token. */
  rates(): Promise<ServerAnswer>;
}

/** Asks for a token, and reads the rates with it. */
export async function checkCredential(
  tried: TriedCredential,
  clock: Pick<Clock, 'now'>,
  report: Report,
): Promise<void> {
  try {
    const { expiresAtMs } = await tried.freshToken();
    const seconds = Math.max(0, Math.floor((expiresAtMs - clock.now()) / 1000));
    report.ok('token', `obtained, and ends in ${duration(seconds)}`);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    report.fail('token', 'none is obtained', error.message);
    return;
  }
  const outcome = judgeRates(await tried.rates(), tried.servers[0] ?? '', clock.now());
  if (outcome.kind === 'rates') report.ok('rates', `${outcome.rates.length} are read with it`);
  else report.fail('rates', 'none are read with the token', outcome.reason);
}
