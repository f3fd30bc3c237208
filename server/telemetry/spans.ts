import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { requestId } from '../../kit/http/request-id';
import { traceOf } from '../../kit/http/trace';
import type { Log } from '../../kit/logs';
import type { Answered } from '../../kit/metrics/traffic';

/** Spans of answered requests on their way to a collector. */
export interface Spans {
  /** Makes a span of an answer; it is sent with others, a little later. */
  readonly answered: (request: Request, answer: Answered) => void;
  /** Sends what is left, for so long as a stop may take. */
  close(): Promise<void>;
}

/** What {@link openSpans} needs. */
export interface SpansOptions {
  /** Base URL of the collector; spans go to `<endpoint>/v1/traces` as JSON (OTLP/HTTP). */
  readonly endpoint: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

/** A collector that does not answer is given up on after this time, in milliseconds; it holds up nobody but the stop. */
const SEND_MS = 3_000;

/** Failures to send are told once in this time, in milliseconds. */
const TELL_MS = 60_000;

/** Imported only where traces are wanted: the libraries take a tenth of the start. At most 2,048 spans wait; more are dropped. */
export function openSpans({ endpoint, version, now, log }: SpansOptions): Spans {
  let toldMs = Number.NEGATIVE_INFINITY;
  const tell = (error: unknown): void => {
    if (now() - toldMs < TELL_MS) return;
    toldMs = now();
    log.warn('traces could not be sent', { 'event.reason': error instanceof Error ? error.message : 'unknown' });
  };
  setGlobalErrorHandler(tell);
  hearDiagnostics((message) => tell(new Error(message)));
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: SEND_MS });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'crypto-server', 'service.version': version }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('crypto-server', version);
  return {
    answered(request, { route, status, ms }) {
      const endTime = now();
      const attributes = {
        'http.request.method': request.method,
        'http.response.status_code': status,
        'http.route': route,
        'http.request.id': requestId(request),
      };
      const kind = SpanKind.SERVER;
      const options = { kind, attributes, startTime: endTime - ms };
      const span = tracer.startSpan(`${request.method} ${route}`, options, contextOf(request));
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endTime);
    },
    close: () => provider.shutdown().catch(tell),
  };
}

/** The libraries tell of spans that found no place by their diagnostics alone. */
function hearDiagnostics(told: (message: string) => void): void {
  const silent = (): void => {};
  diag.setLogger(
    { error: told, warn: told, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** The caller's span, which this one belongs to and which decides whether it is recorded. */
function contextOf(request: Request): Context {
  const caller = traceOf(request);
  if (caller === null) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(caller.flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: caller.id,
    spanId: caller.parentId,
    traceFlags,
    isRemote: true,
  });
}
