import { type Command, InvalidArgumentError, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { usesSettings } from '../../kit/help';
import { json } from '../../kit/text';
import type { AuditVerdict, AuditView } from '../admin/contract';
import { type CliProcess, openApi, REMOTE_SETTINGS } from './api';
import { eventBlocks, eventTable, intact, notIntact } from './audit-text';
import { wholeNumber } from './duration';

interface AuditFlags {
  readonly client?: string;
  readonly event?: string;
  readonly outcome?: string;
  readonly requestId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  readonly verify?: true;
  readonly head?: Head;
  readonly acknowledge?: number;
  readonly json?: true;
}

/** More is a matter for the export of the API, which is streamed. */
const LIMIT_MAX = 10_000;

/** To read through an audit trail of millions of events takes minutes. */
const VERIFY_PATIENCE_MS = 10 * 60_000;

/** What only a listing can be asked for: a trail holds as a whole, or not at all. */
const LISTING_ONLY = ['client', 'event', 'outcome', 'requestId', 'from', 'to', 'limit'];

/** Numbers of findings that the API takes. */
const FINDING_MAX = 999_999_999;

/** `audit`: what happened, newest first, or whether anybody changed the trail. */
export function auditCommand(program: Command, process: CliProcess): void {
  const verifying = new Option('--verify', 'check instead that nobody changed the trail').conflicts(LISTING_ONLY);
  const kept = new Option('--head <seq:hash>', 'check also that the trail still contains this event, the last one once')
    .argParser(readHead)
    .implies({ verify: true })
    .conflicts(LISTING_ONLY);
  const known = new Option('--acknowledge <seq>', 'say that you know of the finding that this event of --verify tells')
    .argParser(wholeNumber('--acknowledge', FINDING_MAX))
    .conflicts([...LISTING_ONLY, 'verify', 'head']);
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
    .addOption(kept)
    .addOption(known)
    .option('--json', 'print JSON')
    .action((flags: AuditFlags) => {
      if (flags.acknowledge !== undefined) return acknowledge(process, flags.acknowledge);
      return flags.verify ? verify(process, flags) : list(process, flags);
    });
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

async function verify(process: CliProcess, { head, json: asJson }: AuditFlags): Promise<void> {
  const { write } = process;
  const query = head === undefined ? '' : `?${new URLSearchParams({ ...head })}`;
  const path = `/audit/verify${query}`;
  const verdict = await openApi(process).ask<AuditVerdict>('GET', path, undefined, VERIFY_PATIENCE_MS);
  if (asJson) write.out(json(verdict));
  if (!verdict.ok) throw new Refusal(notIntact(verdict));
  if (!asJson) write.out(intact(verdict));
}

async function acknowledge(process: CliProcess, seq: number): Promise<void> {
  await openApi(process).ask('POST', `/audit/findings/${seq}/acknowledge`);
  process.write.out(`The finding of event ${seq} is acknowledged.\n`);
}

/** A head as a query says it. */
interface Head {
  readonly seq: string;
  readonly hash: string;
}

/** @throws InvalidArgumentError for what is no head. */
function readHead(text: string): Head {
  const [, seq, hash] = /^([1-9]\d{0,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq, hash };
  throw new InvalidArgumentError('It must be <seq>:<hash>, as --verify prints it.');
}
