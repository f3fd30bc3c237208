import { requestId } from './request-id';

/** `traceparent` of version 00; only a later version may have more behind it (W3C Trace Context §3.2, §4.3). */
const TRACEPARENT = /^(?!ff|00.{54})[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** What a caller says of the trace that its request belongs to (W3C Trace Context). */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** The span of the caller, 16 hexadecimal digits. */
  readonly parentId: string;
  /** Two hexadecimal digits; the last bit says that the caller records its span. */
  readonly flags: string;
}

/** The trace of a request, or null: none is named, or not well. Read when it is asked for, since most requests are never asked. */
export function traceOf({ headers }: Pick<Request, 'headers'>): Trace | null {
  const [, id, parentId, flags] = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? [];
  return id === undefined || parentId === undefined || flags === undefined ? null : { id, parentId, flags };
}

/** What every record about a request carries, in ECS names. */
export function requestFields(request: Request): Record<string, string> {
  const trace = traceOf(request);
  const id = { 'http.request.id': requestId(request) };
  return trace === null ? id : { ...id, 'trace.id': trace.id };
}
