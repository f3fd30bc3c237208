import { useState } from 'preact/hooks';
import type { CurrencyView } from '../../../admin/contract';
import type { Page } from '../model';
import { Time } from '../time';
import { Confirm, FormDialog } from '../ui/dialog';
import { TextField } from '../ui/form';
import { Heading } from '../ui/heading';
import { Badge, Show } from '../ui/notice';
import { useData, useShell } from '../ui/shell';
import { type Column, Table } from '../ui/table';

/** The currencies of the market: add one, retire one. */
export function Currencies() {
  const { api, say } = useShell();
  const [open, setOpen] = useState<'add' | CurrencyView | null>(null);
  const list = useData('currencies', (from) => from.get<Page<CurrencyView>>('currencies'));
  const close = (): void => setOpen(null);
  const retire = async ({ symbol }: CurrencyView): Promise<void> => {
    await api.send('POST', `currencies/${encodeURIComponent(symbol)}/retire`);
    list.reload();
    say(`${symbol} is retired.`);
  };
  const added = (symbol: string): void => {
    close();
    list.reload();
    say(`${symbol} is on the market.`);
  };
  const add = (
    <button type="button" class="primary" onClick={() => setOpen('add')}>
      Add currency
    </button>
  );
  return (
    <>
      <Heading title="Currencies" actions={add}>
        <p class="quiet">What the rates API serves. A retired currency keeps its history.</p>
      </Heading>
      <Show of={list}>{({ items }) => <CurrencyTable items={items} retire={setOpen} />}</Show>
      {open === 'add' && <AddCurrency close={close} added={added} />}
      {open !== null && open !== 'add' && (
        <Confirm title={`Retire ${open.symbol}?`} verb="Retire currency" close={close} act={() => retire(open)}>
          <p>{open.name} is served no more; who asks for it is told that there is none.</p>
        </Confirm>
      )}
    </>
  );
}

interface CurrencyTableProps {
  readonly items: readonly CurrencyView[];
  readonly retire: (currency: CurrencyView) => void;
}

function CurrencyTable({ items, retire }: CurrencyTableProps) {
  const columns: Column<CurrencyView>[] = [
    { head: 'Symbol', cell: ({ symbol }) => symbol },
    { head: 'Name', cell: ({ name }) => name },
    { head: 'Rate in US dollars', kind: 'number', cell: ({ rate }) => rate },
    {
      head: 'State',
      cell: ({ retired_at }) =>
        retired_at == null ? (
          <Badge tone="good">Served</Badge>
        ) : (
          <span class="stacked">
            <Badge tone="plain">Retired</Badge>
            <small>
              <Time at={retired_at} />
            </small>
          </span>
        ),
    },
    {
      head: 'Actions',
      kind: 'action',
      cell: (currency) =>
        currency.retired_at == null && (
          <button type="button" onClick={() => retire(currency)}>
            Retire<span class="hidden"> {currency.symbol}</span>
          </button>
        ),
    },
  ];
  return <Table caption="Currencies" columns={columns} rows={items} keyOf={({ symbol }) => symbol} />;
}

function AddCurrency({ close, added }: { close: () => void; added: (symbol: string) => void }) {
  const { api } = useShell();
  const [symbol, setSymbol] = useState('');
  const [name, setName] = useState('');
  const [rate, setRate] = useState('');
  const act = async (): Promise<void> => {
    await api.send('POST', 'currencies', { symbol: symbol.toUpperCase(), name, rate: Number(rate) });
    added(symbol.toUpperCase());
  };
  return (
    <FormDialog title="Add currency" verb="Add currency" close={close} act={act}>
      <TextField
        label="Symbol"
        required
        pattern="[A-Za-z0-9]{1,16}"
        title="1 to 16 letters and digits"
        value={symbol}
        set={setSymbol}
        hint="Such as BTC. A retired one comes back with its history."
      />
      <TextField label="Name" required maxLength={64} value={name} set={setName} />
      <TextField
        label="First rate in US dollars"
        required
        pattern="[0-9]{1,12}([.][0-9]{1,12})?"
        title="A number such as 0.55"
        value={rate}
        set={setRate}
      />
    </FormDialog>
  );
}
