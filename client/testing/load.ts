// Callers of a client's own API, who ask without a pause.
import type { JoinedClient } from './joined';

/** One answer. */
export interface LoadAnswer {
  readonly path: string;
  readonly status: number;
  /** What is said against it: stale rates, a body that is no JSON. */
  readonly fault: string | null;
}

/** Callers at work. */
export interface Load {
  /** Answers so far. */
  count(): number;
  /** Lets the last calls end. @returns every answer that is not good. */
  end(): Promise<LoadAnswer[]>;
}

/** So many callers for each of the paths. */
export function startLoad(client: JoinedClient, paths: readonly string[], callers: number): Load {
  const bad: LoadAnswer[] = [];
  let count = 0;
  let ended = false;
  const call = async (path: string): Promise<void> => {
    while (!ended) {
      const answer = await ask(client, path);
      if (answer.status !== 200 || answer.fault !== null) bad.push(answer);
      count += 1;
    }
  };
  const work = Promise.all(paths.flatMap((path) => Array.from({ length: callers }, () => call(path))));
  return {
    count: () => count,
    async end() {
      ended = true;
      await work;
      return bad;
    },
  };
}

async function ask(client: JoinedClient, path: string): Promise<LoadAnswer> {
  try {
    const answer = await client.ask(path);
    const text = await answer.text();
    const fault = answer.headers.get('warning') ?? (answer.ok && JSON.parse(text) ? null : text);
    return { path, status: answer.status, fault };
  } catch (error) {
    return { path, status: 0, fault: String(error) };
  }
}
