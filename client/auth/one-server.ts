import type { Clock, Deadline, Fetch } from '../ports';
import { discovery, type TokenEndpoint } from './discovery';

/** One of several servers that stand for each other. */
export interface Server {
  /** Base URL without a slash at the end. */
  readonly url: string;
  /** Where its tokens are asked for. Rejects with `TokenError`. */
  endpoint(): Promise<TokenEndpoint>;
}

/** Servers that stand for each other and name one issuer. */
export interface Servers {
  readonly urls: readonly string[];
  readonly issuer: string;
  /** Runs the work on one of them. */
  run<T>(
    work: (server: Server, signal: AbortSignal) => Promise<T>,
    options: { readonly deadlineMs: number },
  ): Promise<T>;
}

/** What {@link oneServer} needs. */
export interface OneServerDeps {
  readonly urls: readonly string[];
  readonly issuer: string;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
}

/** The first of the servers. */
export function oneServer({ urls, issuer, ...deps }: OneServerDeps): Servers {
  const [url = ''] = urls;
  const server = { url, endpoint: discovery({ ...deps, serverUrl: url, issuer }) };
  return { urls, issuer, run: (work, { deadlineMs }) => work(server, deps.deadline(deadlineMs)) };
}
