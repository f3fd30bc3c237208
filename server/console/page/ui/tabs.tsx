import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';

/** What tabs are given. */
export interface TabsProps<Name extends string> {
  /** What the tabs are about, for who does not see them. */
  readonly label: string;
  /** Name → words on the tab, in order. */
  readonly tabs: Readonly<Record<Name, string>>;
  readonly chosen: Name;
  readonly choose: (name: Name) => void;
  /** What stands under the chosen tab. */
  readonly children: ComponentChildren;
}

/** Tabs of which one is shown: the arrow keys go from one to the next (WAI-ARIA Authoring Practices, Tabs). */
export function Tabs<Name extends string>({ label, tabs, chosen, choose, children }: TabsProps<Name>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const names = Object.keys(tabs) as Name[];
  const move = (event: KeyboardEvent): void => {
    const target = targetOf(event.key, names.indexOf(chosen), names.length);
    const name = names.at(target ?? -1);
    if (target === null || name === undefined) return;
    event.preventDefault();
    choose(name);
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[target]?.focus();
  };
  return (
    <div class="tabbed">
      <div ref={list} class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
        {names.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => choose(name)}
          >
            {tabs[name]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </div>
  );
}

/** Where a key leads from the tab at `at`; null: nowhere. */
function targetOf(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count;
    case 'ArrowLeft':
      return (at + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
