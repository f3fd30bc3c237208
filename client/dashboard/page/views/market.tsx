import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Row } from '../market';
import { isLive, useHeard, useMarket, useShell } from '../shell';
import { arrange, type Column, PAGE_ROWS, type TableView } from '../table';
import { Heading } from '../ui/heading';
import { Pages } from '../ui/pages';
import { RatesTable } from './rates-table';

const NONE: readonly Row[] = [];

/** All rates, as they move. */
export function MarketView() {
  const { words, preferences, say, seeds } = useShell();
  const market = useMarket();
  const [{ filter, order, page }, look] = useTableView();
  const heard = useHeard();
  const state = heard.status?.stream.state;
  // Rates from before are for a server that can not be asked, not for a client that it has turned away.
  const rows = state === 'refused' ? NONE : market.rows();
  const isOld = heard.link.kind === 'lost' || state === 'stale' || state === 'offline';
  const { language } = preferences;
  const arranged = useMemo(() => arrange(rows, filter, order, language), [rows, filter, order, language]);
  const pages = Math.max(1, Math.ceil(arranged.length / PAGE_ROWS));
  const shownPage = Math.min(page, pages - 1);
  const shown = arranged.slice(shownPage * PAGE_ROWS, (shownPage + 1) * PAGE_ROWS);
  const symbols = shown.map(({ symbol }) => symbol).join(' ');
  const epoch = market.epoch();
  const live = isLive(heard);
  useEffect(() => {
    if (live) seeds.want(symbols === '' ? [] : symbols.split(' '));
  }, [seeds, symbols, epoch, live]);
  const sort = (column: Column): void => {
    // Numbers are looked at from the top, words from A.
    const first = column === 'symbol' || column === 'name' || column === 'age';
    const next = { column, up: order.column === column ? !order.up : first };
    look({ order: next, page: 0 });
    say(words.market.sorted(words.market.columns[column], next.up));
  };
  return (
    <section class="market">
      <div class="title">
        <Heading title={words.market.title} />
        <Count shown={arranged.length} all={rows.length} />
      </div>
      <Tools filter={filter} setFilter={(text) => look({ filter: text, page: 0 })} />
      <RatesTable
        rows={shown}
        before={shownPage * PAGE_ROWS}
        all={arranged.length}
        order={order}
        sort={sort}
        isOld={isOld}
      />
      <Empty rows={rows} arranged={arranged} />
      {pages > 1 && <Pages page={shownPage} pages={pages} go={(to) => look({ page: to })} />}
    </section>
  );
}

function useTableView(): readonly [TableView, (change: Partial<TableView>) => void] {
  const { table } = useShell();
  const [view, setView] = useState(table.current);
  const look = (change: Partial<TableView>): void => {
    table.current = { ...table.current, ...change };
    setView(table.current);
  };
  return [view, look];
}

function Count({ shown, all }: { readonly shown: number; readonly all: number }) {
  const { words, format } = useShell();
  const text =
    shown === all
      ? words.market.count(format.count(all), all)
      : words.market.countOf(format.count(shown), format.count(all));
  return (
    <p class="quiet" role="status">
      {text}
    </p>
  );
}

function Tools({ filter, setFilter }: { readonly filter: string; readonly setFilter: (text: string) => void }) {
  const { words, format, say } = useShell();
  const market = useMarket();
  const isPaused = market.paused();
  const toggle = (): void => {
    if (isPaused) market.resume();
    else market.pause();
    say(isPaused ? words.market.resumed : words.market.paused);
  };
  return (
    <div class="tools">
      <input
        type="search"
        aria-label={words.market.filter}
        placeholder={words.market.filter}
        value={filter}
        spellcheck={false}
        autoComplete="off"
        onInput={(event) => setFilter(event.currentTarget.value)}
      />
      <button type="button" class="pause" data-paused={isPaused} onClick={toggle}>
        <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
          <path d={isPaused ? 'M2 1l9 5-9 5z' : 'M2 1h3v10H2zM7 1h3v10H7z'} fill="currentColor" />
        </svg>
        {isPaused ? words.market.resume : words.market.pause}
      </button>
      {isPaused && (
        <p class="waiting">
          <strong>{words.market.paused}</strong>{' '}
          {words.market.waiting(format.count(market.waiting()), market.waiting())}
        </p>
      )}
    </div>
  );
}

function Empty({ rows, arranged }: { readonly rows: readonly Row[]; readonly arranged: readonly Row[] }) {
  const { words, market } = useShell();
  const { status } = useHeard();
  if (arranged.length > 0) return null;
  const text = rows.length > 0 ? words.market.nothing : market.filled() ? words.market.empty : words.loading;
  return <p class="empty">{status?.stream.state === 'refused' ? words.market.refused : text}</p>;
}
