import { useState } from 'preact/hooks';
import type { AuditView } from '../../../admin/contract';
import { clientHref } from '../route';
import { against, isMoment, relative, Time, TimeAgo, useNow } from '../time';
import { CopyButton } from '../ui/copy';
import { Badge, Empty } from '../ui/notice';
import { type Column, Table } from '../ui/table';
import { eventName, outcomeOf, reasonName } from './audit-words';
import { plain } from './words';

/** The events of one page, newest first; the details of each can be opened. */
export function AuditTable({ items, filtered }: { items: readonly AuditView[]; filtered: boolean }) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  if (items.length === 0) {
    return (
      <Empty>
        {filtered ? (
          <p>
            No event fits. Take a filter away, or <a href="#/audit">show everything</a>.
          </p>
        ) : (
          <p>Nothing has happened yet. Sign-ins, changes and refusals will stand here.</p>
        )}
      </Empty>
    );
  }
  const toggle = (seq: number): void => {
    const next = new Set(open);
    if (!next.delete(seq)) next.add(seq);
    setOpen(next);
  };
  const columns: Column<AuditView>[] = [
    { head: 'Time', cell: ({ at }) => <TimeAgo at={at} seconds /> },
    { head: 'Event', cell: (item) => <What item={item} /> },
    {
      head: 'Outcome',
      cell: (item) => {
        const { tone, text } = outcomeOf(item);
        return <Badge tone={tone}>{text}</Badge>;
      },
    },
    { head: 'Client', cell: ({ client_id }) => <ClientLink clientId={client_id} /> },
    { head: 'By', cell: ({ actor }) => actor ?? <span class="quiet">Unknown</span> },
    { head: 'From', cell: ({ address }) => (address === null ? <span class="quiet">–</span> : <code>{address}</code>) },
    {
      head: 'Details',
      kind: 'action',
      cell: ({ seq }) => (
        <button type="button" aria-expanded={open.has(seq)} onClick={() => toggle(seq)}>
          Details<span class="hidden"> of event {seq}</span>
        </button>
      ),
    },
  ];
  return (
    <Table
      caption="Events, newest first"
      columns={columns}
      rows={items}
      keyOf={({ seq }) => seq}
      below={(item) => (open.has(item.seq) ? <Details item={item} /> : null)}
    />
  );
}

function What({ item }: { item: AuditView }) {
  const reason = reasonName(item);
  const { ended_at: ended } = item.details as { ended_at?: unknown };
  return (
    <span class="stacked">
      <span>
        {eventName(item.event)}
        {item.count > 1 && <span class="quiet"> {item.count} times</span>}
      </span>
      {reason !== null && (
        <small>
          {reason} {isMoment(ended) && against(ended, item.at)}
        </small>
      )}
    </span>
  );
}

function ClientLink({ clientId }: { clientId: string | null }) {
  if (clientId === null) return <span class="quiet">–</span>;
  return (
    <a href={clientHref(clientId)}>
      <code>{clientId}</code>
    </a>
  );
}

function Details({ item }: { item: AuditView }) {
  const facts = Object.entries(item.details);
  const id = item.request_id;
  return (
    <dl class="parts">
      <div>
        <dt>Number</dt>
        <dd>{item.seq}</dd>
      </div>
      <div>
        <dt>Request id</dt>
        <dd class="inline">
          {id === null ? 'None: no request caused it' : <code>{id}</code>}
          {id !== null && <CopyButton text={() => id} what="the request id" />}
        </dd>
      </div>
      <div>
        <dt>Event</dt>
        <dd>
          <code>{item.event}</code>
        </dd>
      </div>
      <div>
        <dt>Reason</dt>
        <dd>{item.reason === null ? '–' : <code>{item.reason}</code>}</dd>
      </div>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{plain(name)}</dt>
          <dd>
            <Value value={value} at={item.at} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A fact of the event: a moment also against now and against the event, since both are asked for. */
function Value({ value, at }: { value: unknown; at: string }) {
  const nowMs = useNow();
  if (!isMoment(value)) return <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>;
  return (
    <span class="stacked">
      <Time at={value} seconds />
      <small>
        {relative(value, nowMs)}, {against(value, at)} this event
      </small>
    </span>
  );
}
