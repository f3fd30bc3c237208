import type { SeenRate } from '../rates/model';
import { formatChange, formatRate } from '../rates/table';
import type { StatusReport } from './report';

/** Every text of the page by the id of its element; the same words whether the server or the script puts them there. */
export interface PageView {
  readonly tone: 'good' | 'wait' | 'bad';
  readonly connection: string;
  readonly server: string;
  readonly client: string;
  readonly credential: string;
  readonly token: string;
  readonly renewal: string;
  readonly age: string;
  readonly trouble: string;
  readonly empty: string;
  readonly rows: readonly Row[];
}

/** One line of the table, and which way each change points. */
export interface Row {
  readonly symbol: string;
  readonly name: string;
  readonly rate: string;
  readonly change: Change;
  readonly day: Change;
}

/** A change as text with its arrow. */
export interface Change {
  readonly text: string;
  readonly tone: 'up' | 'down' | 'same';
}

/** The page as words. `before` are the rates of the view before, when there was one. */
export function describePage(
  report: StatusReport,
  rates: readonly SeenRate[],
  before: readonly SeenRate[] | null,
): PageView {
  const old = new Map(before?.map(({ symbol, rate }) => [symbol, rate]));
  const { renewal, server } = report;
  const refused = server.state === 'refused';
  const shown = refused ? [] : rates;
  return {
    ...connection(report),
    server: report.server_url,
    client: report.client_id,
    credential: credential(report),
    token: report.token_expires_in === null ? 'none' : `ends in ${duration(report.token_expires_in)}`,
    renewal: renewal.next_at === null ? 'not planned' : `${renewal.next_at.slice(11, 19)} UTC`,
    age: age(report),
    trouble: server.last_error ?? renewal.last_error ?? '',
    empty: refused ? 'No rates while the server refuses this client.' : rates.length === 0 ? 'No rates yet.' : '',
    rows: shown.map((rate) => row(rate, old.get(rate.symbol))),
  };
}

/** Seconds in words: `45 s`, `12 min`, `1 h 58 min`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function connection({ server, authenticated }: StatusReport): Pick<PageView, 'tone' | 'connection'> {
  if (server.state === 'ok') return { tone: 'good', connection: 'Connected' };
  if (server.state === 'unknown') return { tone: 'wait', connection: 'Connecting' };
  if (server.state === 'refused') return { tone: 'bad', connection: 'Refused by the server' };
  return { tone: 'bad', connection: authenticated ? 'No rates from the server' : 'Not connected' };
}

function credential({ credential: { origin, registered } }: StatusReport): string {
  const made = { environment: 'from the environment', configured: 'configured', 'self-made': 'made by this client' }[
    origin
  ];
  return `${made ?? origin}${registered ? ', registered' : ''}`;
}

function age({ rates, server }: StatusReport): string {
  if (rates.age_seconds === null) return 'none yet';
  const fetched = `${rates.count}, fetched ${duration(rates.age_seconds)} ago`;
  return rates.stale && server.next_attempt_at !== null
    ? `${fetched}; next attempt at ${server.next_attempt_at.slice(11, 19)} UTC`
    : fetched;
}

function row(rate: SeenRate, old: number | undefined): Row {
  const percent = old === undefined || old === 0 ? undefined : ((rate.rate - old) / old) * 100;
  const { symbol, name = '' } = rate;
  return { symbol, name, rate: formatRate(rate.rate), change: change(percent), day: change(rate.change_24h) };
}

function change(percent: number | undefined): Change {
  if (percent === undefined) return { text: '–', tone: 'same' };
  const text = formatChange(percent);
  return { text, tone: text.startsWith('▲') ? 'up' : text.startsWith('▼') ? 'down' : 'same' };
}
