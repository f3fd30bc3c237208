import { requestId } from '../../kit/http/request-id';
import { requestFields } from '../../kit/http/trace';
import { pathOf } from '../../kit/http/url-path';
import type { Log } from '../../kit/logs';
import type { RecordedEvent } from '../audit/drafts';
import { looksMade } from '../clients/secret-format';
import { isClientId } from '../oauth/client';
import type { NamedEvent, Tell } from '../oauth/event';

/** What telling takes. */
export interface TellOptions {
  readonly log: Log;
  /** The address of a request's caller; null when it is not known. */
  readonly source: (request: Request) => string | null;
  /** Keeps the event; resolves when it is kept. */
  readonly record: (event: RecordedEvent) => Promise<void>;
}

/** Tells the operator: in the log at once, and whoever `record` is. */
export function createTell({ log, source, record }: TellOptions): Tell {
  return (event, request) => {
    const known = event.clientId != null && mayBeTold(event.clientId) ? event.clientId : null;
    const told: RecordedEvent = {
      ...event,
      clientId: known,
      address: request === null ? null : source(request),
      requestId: request === null ? null : requestId(request),
    };
    const level = levelOf(event);
    log[level](event.reason ?? event.event, {
      'event.action': event.event,
      'event.outcome': event.outcome,
      'event.reason': event.reason ?? event.event,
      ...(request === null ? {} : { ...requestFields(request), 'url.path': pathOf(request.url) }),
      'source.ip': told.address ?? undefined,
      'client.id': known ?? undefined,
      'user.name': event.actor,
      labels: event.details,
    });
    return record(told);
  };
}

function levelOf({ warning, routine }: NamedEvent): 'warn' | 'info' | 'debug' {
  if (warning) return 'warn';
  return routine ? 'debug' : 'info';
}

/** A secret that was put in the wrong place may be no client id, or look like one: those of this server do. */
function mayBeTold(clientId: string): boolean {
  return isClientId(clientId) && !looksMade(clientId);
}
