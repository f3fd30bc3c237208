import type { AuditView, EventName } from '../../../admin/contract';
import type { Tone } from '../ui/notice';
import { EVENTS } from './event-names';
import { plain } from './words';

/** What is limited, by the name of the limit. */
const LIMITS: Readonly<Record<string, string>> = {
  api: 'API calls',
  token: 'Token requests',
  register: 'Registrations',
  failed: 'Failed authentication',
  'failed-address': 'Failed authentication from one address',
};

/** The event in words; one of a newer server is put as well as can be. */
export function eventName(event: string): string {
  return event in EVENTS ? EVENTS[event as EventName] : plain(event);
}

/** The exact reason in words. */
export function reasonName({ event, reason }: AuditView): string | null {
  if (reason === null || reason === event) return null;
  return (event === 'limit_exceeded' ? LIMITS[reason] : undefined) ?? plain(reason);
}

/** How it went, in a word and a tone. What somebody has to act on is no success. */
export function outcomeOf({ event, outcome }: AuditView): { tone: Tone; text: string } {
  if (event === 'secret_expiring') return { tone: 'wait', text: 'Warning' };
  return outcome === 'success' ? { tone: 'good', text: 'Success' } : { tone: 'bad', text: 'Failure' };
}
