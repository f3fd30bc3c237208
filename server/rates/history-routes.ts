// What has been: `/api/currency/{symbol}/history` and `/candles`, as JSON or as CSV (RFC 4180).
import { Elysia } from 'elysia';
import { csvRow } from '../../kit/csv';
import { preferredType } from '../../kit/http/accept';
import { IDLE_TIMEOUT_SECONDS } from '../../kit/http/listen';
import { readQuery } from '../../kit/http/query';
import {
  asksForNone,
  bestCoding,
  contentHeaders,
  createRepresent,
  notModified,
  unchanged,
} from '../../kit/http/representation';
import { begun, streamOf } from '../../kit/http/streamed';
import { requestFields } from '../../kit/http/trace';
import type { Log } from '../../kit/logs';
import type { Guard } from '../tokens/guard';
import { createExports } from './exports';
import type { History, Series } from './history';
import { CANDLES_DETAIL, TICKS_DETAIL } from './history-detail';
import { CandleQuery, type CandleView, type TickPage, TickQuery } from './history-model';

/** What the routes need. */
export interface HistoryRoutesOptions {
  readonly history: History;
  readonly guard: Guard;
  readonly log: Log;
  /** How long CSV may wait to be read, in seconds; `STALLED_SECONDS` when left out. */
  readonly stalledSeconds?: number;
}

/** A request, and the server that its connection belongs to. */
interface Asked {
  readonly request: Request;
  readonly server: { timeout(request: Request, seconds: number): void } | null;
}

/** Four times as long as the database may take for a page: the rest is the caller's. */
const STALLED_SECONDS = 20;

/** Routes of ticks and candles. */
export function historyRoutes({ history, guard, log, stalledSeconds = STALLED_SECONDS }: HistoryRoutesOptions) {
  const exports = createExports();
  /** Whoever does not read is cut, or he would hold his place for as long as a connection may stand idle. */
  const begin = ({ request, server }: Asked, clientId: string): (() => void) => {
    const end = exports.begin(clientId);
    server?.timeout(request, stalledSeconds);
    return () => {
      end();
      server?.timeout(request, IDLE_TIMEOUT_SECONDS);
    };
  };
  const answer = <Row, Body>(asked: Asked, clientId: string, series: Series<Row, Body>): Promise<Response> =>
    sendSeries(asked.request, series, {
      begin: () => begin(asked, clientId),
      broken: (error) => log.error('an answer in CSV was cut off', { error, ...requestFields(asked.request) }),
    });
  return new Elysia({ name: 'history' })
    .get(
      '/api/currency/:symbol/history',
      ({ request, server, params }) =>
        sent<TickPage>(
          guard(request, async ({ clientId }) =>
            answer(
              { request, server },
              clientId,
              await history.ticks(params.symbol, readQuery(TickQuery, request.url)),
            ),
          ),
        ),
      { detail: TICKS_DETAIL },
    )
    .get(
      '/api/currency/:symbol/candles',
      ({ request, server, params }) =>
        sent<CandleView[]>(
          guard(request, async ({ clientId }) =>
            answer(
              { request, server },
              clientId,
              await history.candles(params.symbol, readQuery(CandleQuery, request.url)),
            ),
          ),
        ),
      { detail: CANDLES_DETAIL },
    );
}

/** The type tells callers what comes, as long as they do not ask for CSV. */
function sent<Body>(answer: Response | Promise<Response>): Body {
  return answer as unknown as Body; // It is a response whose content has that type.
}

/** Like the rates, they may be kept by the caller alone, and every tick makes others of them (RFC 9111 §5.2.2). */
const COMMON = { 'cache-control': 'private, no-cache', vary: 'accept, accept-encoding' };
const JSON_HEADERS = { ...COMMON, 'content-type': 'application/json' };
const CSV_HEADERS = { ...COMMON, 'content-type': 'text/csv; charset=utf-8; header=present' };

const represent = createRepresent(JSON_HEADERS);

/** What stands around the writing of CSV. */
interface Writing {
  /** Takes a place, until what it returns is called. @throws Problem 429, 503 */
  readonly begin: () => () => void;
  /** Is told why it ended before its end. */
  readonly broken: (error: unknown) => void;
}

/** Who has it already is told so before anything is read. */
async function sendSeries<Row, Body>(request: Request, series: Series<Row, Body>, writing: Writing): Promise<Response> {
  const isCsv = preferredType(request.headers.get('accept'), ['application/json', 'text/csv']) === 'text/csv';
  const version = `${series.version}-${isCsv ? 'csv' : 'json'}`;
  const same = notModified(request, { version }, isCsv ? CSV_HEADERS : JSON_HEADERS);
  if (same !== null) return same;
  if (isCsv) return sendCsv(request, version, series, writing);
  const bytes = new TextEncoder().encode(JSON.stringify(await series.body()));
  return represent(request, { version, content: () => bytes });
}

async function sendCsv<Row, Body>(
  request: Request,
  version: string,
  { columns, pages }: Series<Row, Body>,
  { begin, broken }: Writing,
): Promise<Response> {
  const coding = bestCoding(request);
  if (asksForNone(request)) return unchanged(CSV_HEADERS, { version }, coding);
  const headers = contentHeaders(CSV_HEADERS, { version }, coding);
  // What a GET would be answered with; nothing is read for it.
  if (request.method === 'HEAD') return new Response(null, { headers });
  const text = await begun(writeCsv(columns, pages(), begin()));
  return new Response(streamOf(text, broken, coding), { headers });
}

/** The header row comes with the first page: whoever has begun to write has begun to read. */
async function* writeCsv<Row>(
  columns: Series<Row, never>['columns'],
  pages: AsyncIterable<readonly Row[]>,
  ended: () => void,
): AsyncGenerator<string> {
  let head = csvRow(columns);
  try {
    for await (const page of pages) {
      const text = head + page.map((row) => csvRow(columns.map((column) => row[column]))).join('');
      if (text !== '') yield text;
      head = '';
    }
  } finally {
    ended();
  }
}
