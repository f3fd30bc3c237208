import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { usesSettings } from '../../kit/help';
import type { AuditVerdict, AuditView } from '../admin/contract';
import { type CliProcess, openApi, REMOTE_SETTINGS } from './api';
import { eventBlocks, eventTable, intact } from './audit-text';
import { wholeNumber } from './duration';
import { json } from './text';

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

/** To read through an audit trail of millions of events takes minutes. */
const VERIFY_PATIENCE_MS = 10 * 60_000;

/** What only a listing can be asked for: a trail holds as a whole, or not at all. */
const LISTING_ONLY = ['client', 'event', 'outcome', 'requestId', 'from', 'to', 'limit'];

/** `audit`: what happened, newest first, or whether anybody changed the trail. */
export function auditCommand(program: Command, process: CliProcess): void {
  const verifying = new Option('--verify', 'check instead that nobody changed the trail').conflicts(LISTING_ONLY);
  usesSettings(program.command('audit'), REMOTE_SETTINGS)
    .description('print the audit trail of the running server, newest first')
    .option('--client <id>', 'only what is about this client')
    .option('--event <name>', 'only this event, such as client_authentication')
    .addOption(new Option('--outcome <outcome>', 'only what went so').choices(['success', 'failure']))
    .option('--request-id <id>', 'what this request caused, with all that is known of it')
    .option('--from <time>', 'from then on, such as 2026-01-01T00:00:00Z')
    .option('--to <time>', 'before then')
    .option('--limit <count>', 'events at most', wholeNumber('--limit', LIMIT_MAX), 50)
    .addOption(verifying)
    .option('--json', 'print JSON')
    .action((flags: AuditFlags) => (flags.verify ? verify(process, flags.json) : list(process, flags)));
}

async function list(process: CliProcess, flags: AuditFlags): Promise<void> {
  const { client, event, outcome, requestId, from, to, limit } = flags;
  const query = { client, event, outcome, request_id: requestId, from, to };
  const events = await openApi(process).all<AuditView>('/audit', query, limit);
  process.write.out(flags.json ? json(events) : said(events, requestId, process.now()));
}

function said(events: readonly AuditView[], requestId: string | undefined, nowMs: number): string {
  if (requestId === undefined) return eventTable(events, nowMs);
  if (events.length === 0) return 'The audit trail tells nothing of this request; the log may.\n';
  return eventBlocks(events, requestId, nowMs);
}

async function verify(process: CliProcess, asJson: true | undefined): Promise<void> {
  const { write } = process;
  const verdict = await openApi(process).ask<AuditVerdict>('GET', '/audit/verify', undefined, VERIFY_PATIENCE_MS);
  if (asJson) write.out(json(verdict));
  if (!verdict.ok) throw new Refusal(`The audit trail was changed: ${verdict.fault?.what ?? 'it does not hold'}`);
  if (!asJson) write.out(intact(verdict));
}
