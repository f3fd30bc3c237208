import type { Log, LogLevel } from '../logs';
import { requestFields } from './trace';
import { pathOf } from './url-path';

/** Every request, a sample of them, or none. */
export type AccessLog = 'all' | 'sampled' | 'none';

/** Of requests that went well and quickly, one in so many is written to a sampled log. */
const ORDINARY = 1_000;

/** A request that takes longer is always written, in milliseconds. */
const SLOW_MS = 1_000;

/** What a level of the log asks for: at `debug` every request, at `info` a sample. */
export function accessLogOf(level: LogLevel): AccessLog {
  if (level === 'debug') return 'all';
  return level === 'info' ? 'sampled' : 'none';
}

/** What {@link createAccessLog} needs. */
export interface AccessLogOptions {
  readonly accessLog: AccessLog;
  readonly log: Log;
  /** The address of a request's caller; null when it is not known. Asked for what is written alone. */
  readonly sourceOf: (request: Request) => string | null;
}

/** Writes a record of a request and its status; `ms`: until the head of the answer. A sample has everything that failed here or was slow. */
export function createAccessLog({ accessLog, log, sourceOf }: AccessLogOptions) {
  let ordinary = 0;
  const write = (request: Request, status: number, ms: number, level: 'debug' | 'info', sampled: number): void =>
    log[level]('request', {
      ...requestFields(request),
      'http.request.method': request.method,
      'url.path': pathOf(request.url),
      'http.response.status_code': status,
      'source.ip': sourceOf(request) ?? undefined,
      'event.duration': Math.round(ms * 1e6),
      // How many requests this record stands for.
      ...(sampled === 1 ? {} : { 'labels.sample': sampled }),
    });
  if (accessLog === 'none') return () => {};
  if (accessLog === 'all')
    return (request: Request, status: number, ms: number) => write(request, status, ms, 'debug', 1);
  return (request: Request, status: number, ms: number): void => {
    if (status >= 500 || ms >= SLOW_MS) write(request, status, ms, 'info', 1);
    else if (++ordinary % ORDINARY === 0) write(request, status, ms, 'info', ORDINARY);
  };
}
