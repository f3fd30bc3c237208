import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { type CliProcess, openApi } from './api';
import { wholeNumber } from './duration';
import { json, moment, table } from './text';

interface AuditEvent {
  readonly seq: number;
  readonly at: string;
  readonly event: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly actor: string | null;
  readonly client_id: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly count: number;
}

interface Verdict {
  readonly ok: boolean;
  readonly events: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly fault: { readonly seq: number | null; readonly what: string } | null;
}

interface AuditFlags {
  readonly client?: string;
  readonly event?: string;
  readonly outcome?: string;
  readonly requestId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly verify?: true;
  readonly json?: true;
}

/** More is a matter for the export of the API, which is streamed. */
const LIMIT_MAX = 10_000;

/** `audit`: what happened, newest first, or whether anybody changed the trail. */
export function auditCommand(program: Command, process: CliProcess): void {
  program
    .command('audit')
    .description('print the audit trail of the running server, newest first')
    .option('--client <id>', 'only what is about this client')
    .option('--event <name>', 'only this event, such as client_authentication')
    .addOption(new Option('--outcome <outcome>', 'only what went so').choices(['success', 'failure']))
    .option('--request-id <id>', 'only what this request caused')
    .option('--from <time>', 'from then on, such as 2026-01-01T00:00:00Z')
    .option('--to <time>', 'before then')
    .option('--limit <count>', 'events at most', wholeNumber('--limit', LIMIT_MAX), 50)
    .option('--verify', 'check instead that nobody changed the trail')
    .option('--json', 'print JSON')
    .action((flags: AuditFlags) => (flags.verify ? verify(process, flags.json) : list(process, flags)));
}

async function list(process: CliProcess, flags: AuditFlags): Promise<void> {
  const { client, event, outcome, requestId, from, to, limit } = flags;
  const query = { client, event, outcome, request_id: requestId, from, to };
  const events = await openApi(process).all<AuditEvent>('/audit', query, limit);
  process.write.out(flags.json ? json(events) : listing(events));
}

async function verify(process: CliProcess, asJson: true | undefined): Promise<void> {
  const verdict = await openApi(process).ask<Verdict>('GET', '/audit/verify');
  if (asJson) process.write.out(json(verdict));
  if (!verdict.ok) throw new Refusal(`The audit trail was changed: ${verdict.fault?.what ?? 'it does not hold'}`);
  if (!asJson) process.write.out(`${said(verdict)}\n`);
}

function said({ events, first_seq, last_seq }: Verdict): string {
  if (events === 0) return 'The audit trail is empty.';
  return `The audit trail is intact: ${events} events, from ${first_seq} to ${last_seq}.`;
}

function listing(events: readonly AuditEvent[]): string {
  const rows = events.map((event) => [
    String(event.seq),
    moment(event.at),
    event.count > 1 ? `${event.event} ×${event.count}` : event.event,
    event.reason ?? event.outcome,
    event.actor ?? '–',
    event.client_id ?? '–',
    event.address ?? '–',
    event.request_id ?? '–',
  ]);
  return table(['SEQ', 'TIME', 'EVENT', 'OUTCOME', 'ACTOR', 'CLIENT', 'ADDRESS', 'REQUEST'], rows);
}
