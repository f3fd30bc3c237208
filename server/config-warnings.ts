import type { Origin } from '../kit/config';
import { isLoopbackName } from '../kit/http/origin';

/** What a server is configured to that may be more open than was meant. */
export interface Openness {
  readonly registration: 'open' | 'admin' | 'closed';
  readonly loopback: boolean;
  readonly issuer: string | null;
  readonly publicUrls: readonly string[];
}

/** What an operator is told of it at the start, a sentence each. */
export function opennessWarnings(openness: Openness): string[] {
  return [...plainHttpWarnings(openness), ...registrationWarnings(openness)];
}

function registrationWarnings({ registration, loopback, issuer }: Openness): string[] {
  const reachable = !loopback || (issuer !== null && !isLoopbackName(new URL(issuer).hostname));
  if (registration !== 'open' || !reachable) return [];
  return ['REGISTRATION is open beyond this machine: anybody who reaches the server can register and read the rates'];
}

function plainHttpWarnings({ issuer, publicUrls }: Openness): string[] {
  const plain = [issuer, ...publicUrls].filter(
    (url) => url?.startsWith('http:') && !isLoopbackName(new URL(url).hostname),
  );
  return plain.map(
    (url) => `${url} is plain http beyond this machine: secrets and tokens can be read on the way; use https`,
  );
}

/** What was set of the simulation is of no use to an exchange. */
export function sourceWarnings(
  source: string,
  origins: Readonly<Record<'TICK_VOLATILITY' | 'RATE_SEED', Origin>>,
): string[] {
  if (source === 'simulation') return [];
  const set = (['TICK_VOLATILITY', 'RATE_SEED'] as const).filter((name) => origins[name] !== 'default');
  return set.map((name) => `${name} is set but of the simulation alone, and RATE_SOURCE is ${source}`);
}
