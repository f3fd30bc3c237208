import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { SessionView } from '../../../admin/contract';
import { type Api, ApiError } from '../api';
import type { ShownOnce } from '../model';

/** What every view stands on. */
export interface Shell {
  readonly api: Api;
  readonly session: SessionView;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Tells everybody the result of what was done, also those who do not see it. */
  readonly say: (text: string) => void;
  /** Shows what was just made until it is kept, wherever one goes meanwhile. */
  readonly showOnce: (shown: ShownOnce) => void;
  /** What is being changed and was not saved, by name, as long as the page lives. */
  readonly drafts: Map<string, unknown>;
}

/** Holds the {@link Shell} of the page. */
export const ShellContext = createContext<Shell | null>(null);

/** The shell. Throws Error outside of a signed-in page. */
export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === null) throw new Error('a view stands outside of the shell');
  return shell;
}

/** What a view shows: the latest data, even while newer is on its way. */
export interface Loaded<Data> {
  readonly data: Data | null;
  readonly error: ApiError | null;
  readonly busy: boolean;
  readonly reload: () => void;
  /** Puts in what an action answered. */
  readonly put: (data: Data) => void;
}

/** Loads data when the view appears and whenever `key` changes; an answer that was overtaken is dropped. */
export function useData<Data>(key: string, load: (api: Api) => Promise<Data>): Loaded<Data> {
  const { api } = useShell();
  const [data, setData] = useState<Data | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(true);
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // The key stands for what `load` reads, the round for a reload.
  useEffect(() => {
    let overtaken = false;
    setBusy(true);
    const settle = (fresh: Data | null, fault: ApiError | null): void => {
      if (overtaken) return;
      if (fault === null) setData(fresh);
      setError(fault);
      setBusy(false);
    };
    latest.current(api).then(
      (fresh) => settle(fresh, null),
      (fault: unknown) => settle(null, asApiError(fault)),
    );
    return () => {
      overtaken = true;
    };
  }, [api, key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { data, error, busy, reload, put: setData };
}

/** One thing that is being done at a time, and what was said against it. */
export interface Action {
  readonly busy: boolean;
  readonly error: ApiError | null;
  /** Runs the steps; resolves when they are done or refused. */
  readonly run: (steps: () => Promise<void>) => Promise<void>;
}

/** State of a button or form that does something. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const run = async (steps: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await steps();
    } catch (fault) {
      setError(asApiError(fault));
    }
    setBusy(false);
  };
  return { busy, error, run };
}

/** Any failure as one that can be shown. */
export function asApiError(fault: unknown): ApiError {
  if (fault instanceof ApiError) return fault;
  return new ApiError(0, fault instanceof Error ? fault.message : String(fault), null, null);
}

/** A value that follows another once that has rested for so long. */
export function useRested<Value>(value: Value, restMs: number): Value {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [value, restMs]);
  return rested;
}
