import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

let shownBefore = false;

/** The one `h1` of a view: it names the page and takes the focus when somebody goes there. */
export function Heading({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    // The first view leaves the focus at the top, so that the skip link comes first.
    if (shownBefore) {
      scrollTo(0, 0);
      heading.current?.focus();
    }
    shownBefore = true;
  }, []);
  useLayoutEffect(() => {
    document.title = `${title} · crypto-client`;
  }, [title]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? title}
    </h1>
  );
}
