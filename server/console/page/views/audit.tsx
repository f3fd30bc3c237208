import { useState } from 'preact/hooks';
import type { AuditVerdict, AuditView } from '../../../admin/contract';
import type { Page } from '../model';
import { placeHref } from '../route';
import { Heading } from '../ui/heading';
import { Failure, Notice, Show } from '../ui/notice';
import { useAction, useData, useShell } from '../ui/shell';
import { AuditFilters, type Filters, filtersOf } from './audit-filters';
import { AuditTable } from './audit-table';
import { plain } from './words';

const PAGE_SIZE = 50;

/** What happened: filters and page are in the address, so that both can be linked to and gone back to. */
export function AuditTrail({ query }: { query: Readonly<Record<string, string>> }) {
  const filters = filtersOf(query);
  const cursor = query['cursor'] ?? '';
  const list = useData(JSON.stringify([filters, cursor]), (api) =>
    api.get<Page<AuditView>>('audit', { ...filters, cursor, limit: PAGE_SIZE }),
  );
  const show = (wanted: Filters): void => {
    const target = placeHref('audit', wanted);
    if (location.hash === target) list.reload();
    else location.hash = target;
  };
  return (
    <>
      <Heading title="Audit trail" page={cursor} actions={<Export filters={filters} />}>
        <p class="quiet">
          Who did what, when and from where. What a caller was not told stands here, by its request id.
        </p>
      </Heading>
      <AuditFilters filters={filters} show={show} />
      <Show of={list}>
        {({ items, next_cursor = null }) => (
          <>
            <p class="hidden" role="status">
              {items.length === 1 ? '1 event shown' : `${items.length} events shown`}
            </p>
            <AuditTable items={items} filtered={Object.values(filters).some((value) => value !== '')} />
            {(cursor !== '' || next_cursor !== null) && (
              <nav class="pages" aria-label="Pages of events">
                {cursor !== '' && <a href={placeHref('audit', filters)}>Newest events</a>}
                {next_cursor !== null && (
                  <a href={placeHref('audit', { ...filters, cursor: next_cursor })}>Older events</a>
                )}
              </nav>
            )}
          </>
        )}
      </Show>
      <Verify />
    </>
  );
}

function Export({ filters }: { filters: Filters }) {
  const { api, say } = useShell();
  const action = useAction();
  const save = (format: 'csv' | 'ndjson'): void => {
    void action.run(async () => {
      await api.download('audit/export', { ...filters, format });
      say('The export is on its way to your downloads.');
    });
  };
  return (
    <>
      <button type="button" disabled={action.busy} onClick={() => save('csv')}>
        Export CSV
      </button>
      <button type="button" disabled={action.busy} onClick={() => save('ndjson')}>
        Export NDJSON
      </button>
      <Failure error={action.error} />
    </>
  );
}

function Verify() {
  const { api, say } = useShell();
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const action = useAction();
  const verify = (): Promise<void> =>
    action.run(async () => {
      setVerdict(null);
      setVerdict(await api.wait<AuditVerdict>('audit/verify'));
    });
  const acknowledge = (seq: number): void => {
    void action.run(async () => {
      await api.send('POST', `audit/findings/${seq}/acknowledge`);
      say(`Finding ${seq} is acknowledged.`);
      setVerdict(await api.wait<AuditVerdict>('audit/verify'));
    });
  };
  return (
    <section class="card" aria-labelledby="verify-heading">
      <h2 id="verify-heading">Is the trail whole?</h2>
      <p>
        Each event is sealed together with the one before, under a key that is not in the database. A change, a gap or a
        cut shows here.
      </p>
      <button type="button" disabled={action.busy} onClick={() => void verify()}>
        {action.busy ? 'Verifying…' : 'Verify the trail'}
      </button>
      <Failure error={action.error} />
      <div aria-live="polite">
        {verdict !== null && <Verdict verdict={verdict} acknowledge={acknowledge} busy={action.busy} />}
      </div>
    </section>
  );
}

interface VerdictProps {
  readonly verdict: AuditVerdict;
  readonly acknowledge: (seq: number) => void;
  readonly busy: boolean;
}

function Verdict({ verdict, acknowledge, busy }: VerdictProps) {
  const standing = verdict.findings.filter(({ acknowledged }) => !acknowledged);
  return (
    <Notice tone={verdict.ok ? 'good' : 'bad'}>
      <p>{verdictText(verdict)}</p>
      {standing.length > 0 && (
        <ul>
          {standing.map(({ seq, what, reason }) => (
            <li key={seq}>
              Event {seq}: {what || plain(reason)}{' '}
              <button type="button" disabled={busy} onClick={() => acknowledge(seq)}>
                Acknowledge {seq}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}

function verdictText({ ok, events, first_seq, last_seq, fault }: AuditVerdict): string {
  const span = events === 0 ? '' : `, from ${first_seq} to ${last_seq}`;
  if (ok) return `The trail is whole: ${events.toLocaleString()} events checked${span}.`;
  if (fault !== null)
    return `The trail is not whole: event ${fault.seq ?? '?'}: ${fault.what} Keep the database as it is and compare it with a backup.`;
  return 'The trail is whole, but tells of what a server found. Once you know why, acknowledge it.';
}
