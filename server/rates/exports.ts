import { Problem } from '../../kit/http/problem';

/** Counts the exports of one server: answers as long as what is kept, each the work of many answers. */
export interface Exports {
  /** Takes one more for this client, until what it returns is called. @throws Problem 429, 503 */
  begin(clientId: string): () => void;
}

/** Exports of one client that run at a time. */
export const EXPORTS_PER_CLIENT_MAX = 2;

/** Exports of one server that run at a time: the database has others to answer. */
export const EXPORTS_MAX = 8;

/** No export runs yet. */
export function createExports(): Exports {
  const running: string[] = [];
  return {
    begin: (clientId) => {
      if (running.filter((one) => one === clientId).length >= EXPORTS_PER_CLIENT_MAX) throw tooManyOfOne();
      if (running.length >= EXPORTS_MAX) throw full();
      running.push(clientId);
      return () => void running.splice(running.indexOf(clientId), 1);
    },
  };
}

function tooManyOfOne(): Problem {
  const detail = `${EXPORTS_PER_CLIENT_MAX} exports of this client are running, which is the most: let one end first.`;
  return new Problem(429, 'Too Many Requests', detail, { 'retry-after': '10' });
}

function full(): Problem {
  const detail = 'This server writes as many exports as it can.';
  return new Problem(503, 'Service Unavailable', detail, { 'retry-after': '10' });
}
