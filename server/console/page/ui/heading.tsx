import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

let shownBefore = false;

/** What a heading is given. */
export interface HeadingProps {
  readonly title: string;
  /** Which page of a list this is; another one begins at its top. */
  readonly page?: string;
  /** What can be done here. */
  readonly actions?: ComponentChildren;
  /** What this is, in a sentence. */
  readonly children?: ComponentChildren;
}

/** The one `h1` of a view: it names the page and takes the focus when somebody goes there. */
export function Heading({ title, page = '', actions, children }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    document.title = `${title} · crypto-server console`;
    // The first view leaves the focus at the top, so that the skip link comes first.
    if (shownBefore) {
      scrollTo(0, 0);
      heading.current?.focus();
    }
    shownBefore = true;
  }, [title, page]);
  return (
    <div class="heading">
      <div>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </div>
      {actions !== undefined && <div class="buttons">{actions}</div>}
    </div>
  );
}
