// What is asked, how often, and which answer is the right one.
import type { Shot } from '../load';
import { ratesRequest, tokenBasic, tokenForm } from '../setting';
import type { Answer } from './connections';
import type { Held, Tokens } from './tokens';

/** Of two hundred requests; a refusal is the use of a token that was just revoked. */
const OF_TWO_HUNDRED = {
  rates: 160,
  'token, basic': 12,
  'token, post': 12,
  introspection: 10,
  candles: 2,
  history: 2,
  revocation: 1,
  refusal: 1,
} as const;

/** A kind of request. */
export type Kind = keyof typeof OF_TWO_HUNDRED;

/** All of them, the most frequent first. */
export const KINDS = Object.keys(OF_TWO_HUNDRED) as Kind[];

/** One of each place: what is due after what. */
export const SCHEDULE: readonly Kind[] = KINDS.flatMap((kind) =>
  Array.from({ length: OF_TWO_HUNDRED[kind] }, () => kind),
);

/** A request, and whether an answer to it is right. */
export interface Request {
  readonly kind: Kind;
  readonly text: string;
  isRight(answer: Answer): boolean;
}

/** What requests are made from. */
export interface RequestsOptions {
  readonly tokens: Tokens;
  readonly clients: readonly Held['client'][];
  /** `Host` of every request. */
  readonly host: string;
}

/** Makes the next request of a kind; rates in its place while there is no token to revoke, or none revoked. */
export function createRequests({ tokens, clients, host }: RequestsOptions): (kind: Kind) => Request {
  let turn = 0;
  const nextClient = (): Held['client'] => clients[turn++ % clients.length] as Held['client'];
  const text = (shot: Shot): string => textOf(shot, host);
  const read = (kind: Kind, path: string): Request => ({
    kind,
    text: text({ ...ratesRequest(tokens.take().token), path }),
    isRight: ({ status, body }) => status === 200 && body.length > 20,
  });
  const rates = (): Request => read('rates', '/api/currency/');
  const token = (kind: Kind, form: typeof tokenForm): Request => {
    const client = nextClient();
    return {
      kind,
      text: text(form(client.account)),
      isRight: ({ status, body }) => {
        const [, issued] = status === 200 ? (/"access_token":"([^"]+)"/.exec(body.toString('latin1')) ?? []) : [];
        if (issued !== undefined) tokens.issued({ token: issued, client });
        return issued !== undefined;
      },
    };
  };
  const aboutToken = ({ token, client }: Held, path: string): string => {
    const form = tokenForm(client.account);
    return text({ ...form, path, body: `${form.body}&token=${token}` });
  };
  const make: Readonly<Record<Kind, () => Request>> = {
    rates,
    'token, basic': () => token('token, basic', tokenBasic),
    'token, post': () => token('token, post', tokenForm),
    introspection: () => ({
      kind: 'introspection',
      text: aboutToken(tokens.take(), '/api/auth/introspect'),
      isRight: ({ status, body }) => status === 200 && body.includes('"active":true'),
    }),
    candles: () => read('candles', '/api/currency/BTC/candles?interval=1m&limit=60'),
    history: () => read('history', '/api/currency/ETH/history?limit=100'),
    revocation: () => {
      const held = tokens.takeRevocable();
      if (held === undefined) return rates();
      return {
        kind: 'revocation',
        text: aboutToken(held, '/api/auth/revoke'),
        isRight: ({ status }) => {
          if (status === 200) tokens.revoked(held);
          return status === 200;
        },
      };
    },
    refusal: () => {
      const held = tokens.takeRevoked();
      if (held === undefined) return rates();
      return { kind: 'refusal', text: text(ratesRequest(held.token)), isRight: ({ status }) => status === 401 };
    },
  };
  return (kind) => make[kind]();
}

function textOf({ method, path, headers, body }: Shot, host: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === 'GET' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${lines.join('')}${length}\r\n${body}`;
}
