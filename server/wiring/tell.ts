import { pathOf } from '../../kit/http/edge';
import { requestId } from '../../kit/http/request-id';
import type { Log } from '../../kit/logs';
import { looksMade } from '../clients/secret-format';
import { isClientId } from '../oauth/client';
import type { SecurityEvent, Tell } from '../oauth/event';

/** A security event with where it came from: what the audit trail keeps. */
export interface ToldEvent extends SecurityEvent {
  /** The caller's address, behind trusted proxies; null: no request caused it, or it is not known. */
  readonly address: string | null;
  readonly requestId: string | null;
}

/** What telling takes. */
export interface TellOptions {
  readonly log: Log;
  /** The address of a request's caller; null when it is not known. */
  readonly source: (request: Request) => string | null;
  /** Keeps the event; resolves when it is kept. */
  readonly record: (event: ToldEvent) => Promise<void>;
}

/** Tells the operator: in the log at once, and whoever `record` is. */
export function createTell({ log, source, record }: TellOptions): Tell {
  return (event, request) => {
    const known = event.clientId != null && mayBeTold(event.clientId) ? event.clientId : null;
    const told: ToldEvent = {
      ...event,
      clientId: known,
      address: request === null ? null : source(request),
      requestId: request === null ? null : requestId(request),
    };
    const level = event.warning ? 'warn' : 'info';
    log[level](event.reason ?? event.event, {
      'event.action': event.event,
      'event.outcome': event.outcome,
      'event.reason': event.reason ?? event.event,
      'http.request.id': told.requestId ?? undefined,
      'url.path': request === null ? undefined : pathOf(request.url),
      'source.ip': told.address ?? undefined,
      'client.id': known ?? undefined,
      'user.name': event.actor,
      labels: event.details,
    });
    return record(told);
  };
}

/** A secret that was put in the wrong place may be no client id, or look like one: those of this server do. */
function mayBeTold(clientId: string): boolean {
  return isClientId(clientId) && !looksMade(clientId);
}
