import { clean, moment, pairs, relative, table } from '../../kit/text';
import type { AuditVerdict, AuditView } from '../admin/contract';

/** Characters of details that a table has room for; all of them are shown by request id. */
const DETAILS_MAX = 40;

/** Events as a table, with the beginning of their details. */
export function eventTable(events: readonly AuditView[], nowMs: number): string {
  const rows = events.map((event) => [
    String(event.seq),
    moment(event.at),
    event.count > 1 ? `${event.event} ×${event.count}` : event.event,
    event.reason ?? event.outcome,
    event.actor ?? '–',
    event.client_id ?? '–',
    event.address ?? '–',
    requestOf(event),
    clean(shortDetails(event, nowMs), DETAILS_MAX) || '–',
  ]);
  return table(['SEQ', 'TIME', 'EVENT', 'OUTCOME', 'ACTOR', 'CLIENT', 'ADDRESS', 'REQUEST', 'DETAILS'], rows);
}

/** What this request caused, as a block of lines for each event, with everything that is known. */
export function eventBlocks(events: readonly AuditView[], requestId: string, nowMs: number): string {
  return events.map((event) => eventBlock(event, requestId, nowMs)).join('\n');
}

/** What a check of the whole trail found, when it holds. */
export function intact({ events, first_seq, last_seq, head, findings }: AuditVerdict): string {
  if (events === 0) return 'The audit trail is empty.\n';
  const known = findings.length === 0 ? '' : `Findings that it tells of, all acknowledged: ${findings.length}.\n`;
  const whole = `The audit trail is intact: ${events} events, from ${first_seq} to ${last_seq}.\n`;
  return `${whole}${known}Its head, to be kept elsewhere: ${head.seq}:${head.hash}\n`;
}

/** What it found, when it does not. */
export function notIntact({ fault, findings }: AuditVerdict): string {
  if (fault !== null) return `The audit trail was changed: ${fault.what}`;
  const standing = findings.filter(({ acknowledged }) => !acknowledged);
  const [first] = standing;
  if (first === undefined) return 'The audit trail does not hold.';
  const more = standing.length > 1 ? ` (and ${standing.length - 1} more)` : '';
  const told = `event ${first.seq} of ${moment(first.at)} tells: ${first.what || first.reason}${more}`;
  return `The audit trail holds, but ${told} Once you know why: crypto-server audit --acknowledge ${first.seq}`;
}

function eventBlock(event: AuditView, requestId: string, nowMs: number): string {
  return pairs([
    ['event', event.event],
    ['outcome', event.outcome],
    ['reason', event.reason],
    ...detailsFor(event, requestId).map(([name, value]): [string, string] => [clean(name), fullValue(value, nowMs)]),
    ['client', event.client_id],
    ['actor', event.actor],
    ['address', event.address],
    ['request', event.request_id],
    ['times', event.count > 1 ? String(event.count) : null],
    ['at', fullValue(event.at, nowMs)],
    ['seq', String(event.seq)],
  ]);
}

/** Of gathered failures one request and how many others there are. */
function requestOf({ request_id, details, count }: AuditView): string {
  if (request_id !== null) return request_id;
  const listed = Object.entries<unknown>(details).find(([name]) => name === 'request_ids')?.[1];
  const [first] = Array.isArray(listed) ? listed : [];
  if (typeof first !== 'string') return '–';
  return count > 1 ? `${first} +${count - 1}` : first;
}

/** `ended_at` in the past → `ended 3 h ago`. */
function shortDetails(event: AuditView, nowMs: number): string {
  const told = detailsOf(event).filter(([name]) => name !== 'request_ids' && name !== 'requests');
  const words = told.map(([name, value]) =>
    isMoment(value) ? `${name.replace(/_at$/, '')} ${relative(value, nowMs)}` : `${name} ${plainValue(value)}`,
  );
  return words.join(', ');
}

/** Gathered failures keep the details of each request under `requests`: the others are not asked about. */
function detailsFor(event: AuditView, requestId: string): [string, unknown][] {
  return detailsOf(event).flatMap(([name, value]): [string, unknown][] => {
    if (name !== 'requests') return [[name, value]];
    return membersOf(membersOf(value).find(([id]) => id === requestId)?.[1]);
  });
}

/** None of what is no object. */
function membersOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries({ ...value }) : [];
}

function detailsOf({ details }: AuditView): [string, unknown][] {
  return Object.entries<unknown>(details);
}

function fullValue(value: unknown, nowMs: number): string {
  return isMoment(value) ? `${moment(value)} (${relative(value, nowMs)})` : plainValue(value);
}

function plainValue(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.map(plainValue).join(', ') : JSON.stringify(value);
}

function isMoment(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
}
