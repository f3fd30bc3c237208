import { readFileSync } from 'node:fs';
import { Refusal } from '../../kit/command';
import { askRunning } from '../../kit/commands';
import { localUrl } from '../../kit/http/listen';
import type { Output } from '../../kit/output';
import { createOwnFetch, type TlsFetch } from '../../kit/tls/own';
import { TLS_SETTINGS } from '../../kit/tls/settings';
import { type Configuration, secretFiles } from '../config';

/** What these commands take from the process they run in. */
export interface CliProcess {
  readonly configure: () => Pick<Configuration, 'config'>;
  readonly write: Output;
  readonly fetch: TlsFetch;
  /** Asks the person at the terminal; null: there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The admin API of the running server. All throw Refusal when it does not answer or says no. */
export interface AdminApi {
  /** `path` begins behind `/api/admin`. The body of the answer; the caller says what that is, and waits 10 s unless told otherwise. */
  ask<Answer>(method: string, path: string, body?: unknown, patienceMs?: number): Promise<Answer>;
  /** The answer itself, whose body may be long. It is to be over within `patienceMs`. */
  download(method: string, path: string, patienceMs: number): Promise<Response>;
  /** All items of a list, page by page, or the first `max`. */
  all<Item>(path: string, query: Readonly<Record<string, string | undefined>>, max?: number): Promise<Item[]>;
  /** The issuer, as the server's metadata say. */
  issuer(): Promise<string>;
}

/** What finding the running server takes: where it is, and the admin secret or the file that it may have been generated into. */
export const REMOTE_SETTINGS = ['HOST', 'PORT', 'DATA_DIR', 'ADMIN_SECRET', ...Object.keys(TLS_SETTINGS)];

/** Items asked for at a time: as many as the server gives. */
const PAGE_ITEMS = 200;

/** Slow hashes and a busy database are no reason to wait longer; in milliseconds. */
const PATIENCE_MS = 10_000;

/** The running server at HOST and PORT, asked with the admin secret. @throws Refusal when neither can be known. */
export function openApi(process: CliProcess): AdminApi {
  const { config } = process.configure();
  if (config.port === 0) throw new Refusal('PORT is 0: set it to the port that the server printed when it started.');
  const url = localUrl(config);
  const fetch = createOwnFetch(process.fetch, config.tls, 'secret');
  const secret = config.adminSecret ?? readSecret(config.dataDir);
  const send = async (method: string, path: string, body: unknown, patienceMs: number): Promise<Response> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { 'x-admin-secret': secret, 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await askRunning({ fetch, url }, `/api/admin${path}`, { method, headers, signal, ...sent });
    if (!answer.ok) throw refusalOf(answer, await answer.json().catch(() => null), url);
    return answer;
  };
  const ask = async <Answer>(
    method: string,
    path: string,
    body?: unknown,
    patienceMs = PATIENCE_MS,
  ): Promise<Answer> => {
    const answer = await send(method, path, body, patienceMs);
    if (answer.status === 204) return undefined as Answer;
    return (await answer.json().catch(() => null)) as Answer;
  };
  return {
    ask,
    download: (method, path, patienceMs) => send(method, path, undefined, patienceMs),
    all: async <Item>(path: string, query: Readonly<Record<string, string | undefined>>, max = Infinity) => {
      const items: Item[] = [];
      for (let cursor: string | null = ''; cursor !== null && items.length < max; ) {
        const limit = String(Math.min(PAGE_ITEMS, max - items.length));
        const asked = { ...query, limit, cursor: cursor || undefined };
        const page: { items: Item[]; next_cursor: string | null } = await ask('GET', `${path}?${queryString(asked)}`);
        items.push(...page.items);
        cursor = page.next_cursor;
      }
      return items;
    },
    issuer: async () => {
      const answer = await askRunning({ fetch, url }, '/.well-known/oauth-authorization-server');
      const { issuer } = (await answer.json().catch(() => ({}))) as { issuer?: unknown };
      if (typeof issuer !== 'string') throw new Refusal(`${url} is no crypto-server: check HOST and PORT.`);
      return issuer;
    },
  };
}

function queryString(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return new URLSearchParams(given).toString();
}

function readSecret(dataDir: string): string {
  const file = secretFiles(dataDir).ADMIN_SECRET;
  try {
    const secret = readFileSync(file, 'utf8').trimEnd();
    if (secret !== '') return secret;
  } catch {
    // Whatever the cause, the way out is the same.
  }
  throw new Refusal(
    `There is no admin secret: set ADMIN_SECRET or ADMIN_SECRET_FILE, or run this as the user of the server, who can read ${file}.`,
  );
}

function refusalOf({ status }: Response, told: unknown, url: string): Refusal {
  const detail = typeof told === 'object' && told !== null && 'detail' in told ? told.detail : null;
  if (status === 401) return new Refusal(`${url} does not accept this admin secret: is it the one that it runs with?`);
  if (typeof detail !== 'string')
    return new Refusal(`${url} answered ${status}: is it a crypto-server of this version?`);
  return new Refusal(detail);
}
