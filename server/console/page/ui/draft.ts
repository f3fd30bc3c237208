import { useEffect, useState } from 'preact/hooks';
import { useShell } from './shell';

/** What somebody is changing, and has not saved. */
export interface Draft<Value> {
  /** As it was when the changing began. */
  readonly base: Value;
  readonly value: Value;
  readonly isChanged: boolean;
  readonly set: (value: Value) => void;
  /** Begins anew from this. */
  readonly restart: (base: Value) => void;
}

/** A draft that is still there when its view comes back; whoever leaves the page with one is asked. `fresh` is JSON. */
export function useDraft<Value>(key: string, fresh: Value): Draft<Value> {
  const { drafts } = useShell();
  const [{ base, value }, setState] = useState(
    () => (drafts.get(key) as { base: Value; value: Value } | undefined) ?? { base: fresh, value: fresh },
  );
  const isChanged = JSON.stringify(base) !== JSON.stringify(value);
  useEffect(() => {
    if (!isChanged) {
      drafts.delete(key);
      return;
    }
    drafts.set(key, { base, value });
    const ask = (event: Event): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [drafts, key, base, value, isChanged]);
  return {
    base,
    value,
    isChanged,
    set: (next) => setState((before) => ({ ...before, value: next })),
    restart: (next) => setState({ base: next, value: next }),
  };
}
