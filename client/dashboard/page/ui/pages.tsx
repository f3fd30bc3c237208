import { useShell } from '../shell';

/** What the pages of a long table are given; they are counted from 0. */
export interface PagesProps {
  readonly page: number;
  readonly pages: number;
  readonly go: (page: number) => void;
}

/** One page back, one on, and where this is. */
export function Pages({ page, pages, go }: PagesProps) {
  const { words, format } = useShell();
  return (
    <nav class="pages" aria-label={words.market.pages}>
      <button type="button" disabled={page === 0} onClick={() => go(page - 1)}>
        {words.market.before}
      </button>
      <span aria-live="polite">{words.market.page(format.count(page + 1), format.count(pages))}</span>
      <button type="button" disabled={page === pages - 1} onClick={() => go(page + 1)}>
        {words.market.after}
      </button>
    </nav>
  );
}
