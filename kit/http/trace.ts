import { requestId } from './request-id';

/** `traceparent` of version 00; a later version may have more behind it (W3C Trace Context §3.2, §4.3). */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** What a caller says of the trace that its request belongs to (W3C Trace Context). */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** The span of the caller, 16 hexadecimal digits. */
  readonly parentId: string;
  /** True where the caller records its span. */
  readonly sampled: boolean;
}

/** The trace of a request, or null: none is named, or not well. Read when it is asked for, since most requests are never asked. */
export function traceOf({ headers }: Pick<Request, 'headers'>): Trace | null {
  const [, id, parentId, flags] = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? [];
  if (id === undefined || parentId === undefined) return null;
  return { id, parentId, sampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1 };
}

/** What every record about a request carries, in ECS names. */
export function requestFields(request: Request): Record<string, string> {
  const trace = traceOf(request);
  const id = { 'http.request.id': requestId(request) };
  return trace === null ? id : { ...id, 'trace.id': trace.id };
}
