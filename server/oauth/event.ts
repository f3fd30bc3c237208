import type { EventName, Reason } from './words';

/**
 * Something that matters to the security of the server, as its operator is told: in the log at once, in the audit trail, and
 * counted in the metrics. Nothing in it is secret, and nothing of it is told to the caller.
 */
export interface SecurityEvent {
  /** What happened, in the words of docs/audit.md: `client_authentication`, `secret_created` … */
  readonly event: string;
  readonly outcome: 'success' | 'failure';
  /** The exact inner cause of a failure: `secret_ended`, `scope_not_granted` … */
  readonly reason?: string;
  /** Who did it: a client id, `admin`, `server`; left out: nobody that is known. */
  readonly actor?: string;
  /** The client that it is about. */
  readonly clientId?: string | null;
  /** More for the operator, by snake_case name: `ended_at`, `scope`, `kid` … */
  readonly details?: EventDetails;
  /** It belongs to the normal course of the protocol: counted, in the log for who debugs, and not in the trail. */
  readonly routine?: boolean;
  /** The operator has something to do: the log says it as a warning. */
  readonly warning?: true;
}

/** Members of an event's `details`. */
export type EventDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What a change has changed: the names of what differs (`changed`) with the new values; null: nothing differs. */
export function changesOf(before: EventDetails, after: EventDetails): EventDetails | null {
  const different = Object.entries(after).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
  );
  if (different.length === 0) return null;
  return { changed: different.map(([name]) => name), ...Object.fromEntries(different) };
}

/** An event as whoever noticed it tells it. */
export interface NamedEvent extends SecurityEvent {
  readonly event: EventName;
  readonly reason?: Reason;
}

/**
 * Tells the operator, with the request that caused it (null: none). Resolves when the audit trail holds it; who has changed
 * something waits for that before answering, everybody else does not. Never rejects.
 */
export type Tell = (event: NamedEvent, request: Request | null) => Promise<void>;
