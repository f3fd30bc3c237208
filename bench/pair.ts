// Two servers that are asked the same in turn, so that whatever else the machine does hits both.
import { type FireOptions, fire, type Round, type Shot } from './load';
import type { ServerPeer } from './processes';
import { goodAnswer, newAccount, ratesRequest, register, tokenForm, tokenIn } from './setting';
import { median } from './statistics';
import type { Pace } from './throughput';

/** What both are asked for, and what that is called in the report. */
export const ASKED = { token: 'POST /api/auth/token', rates: 'GET /api/currency/' } as const;

/** A server with a client of its own. */
export interface Runner {
  round(what: keyof typeof ASKED, seconds: number): Promise<Round>;
}

/** What was seen of both: medians of each, and of the ratios of neighbouring rounds. */
export interface Pair {
  readonly first: Round;
  readonly second: Round;
  /** Answers a second of the second ÷ of the first. */
  readonly ratio: number;
}

/** Registers a client, and gets it a token. */
export async function runnerOf(server: ServerPeer, options: Omit<FireOptions, 'seconds'>): Promise<Runner> {
  const account = newAccount();
  await register(server.url, account);
  const token = tokenForm(account);
  const shots: Readonly<Record<keyof typeof ASKED, Shot>> = {
    token,
    rates: ratesRequest(tokenIn(await goodAnswer(server.url, token))),
  };
  return { round: (what, seconds) => fire(shots[what], server, { ...options, seconds }) };
}

/** Rounds of both alternate, each after its warm-up. */
export async function inTurn(
  what: keyof typeof ASKED,
  { first, second }: { readonly first: Runner; readonly second: Runner },
  { rounds, seconds, warmUpSeconds }: Pace,
): Promise<Pair> {
  for (const runner of [first, second]) await runner.round(what, warmUpSeconds);
  const seen: { first: Round; second: Round }[] = [];
  for (let round = 0; round < rounds; round++)
    seen.push({ first: await first.round(what, seconds), second: await second.round(what, seconds) });
  const ofAll = (which: 'first' | 'second'): Round => {
    const of = (member: keyof Round): number => median(seen.map((one) => one[which][member]));
    return { perSecond: of('perSecond'), p99Ms: of('p99Ms'), cpuMicros: of('cpuMicros') };
  };
  const ratio = median(seen.map((one) => one.second.perSecond / one.first.perSecond));
  return { first: ofAll('first'), second: ofAll('second'), ratio };
}
