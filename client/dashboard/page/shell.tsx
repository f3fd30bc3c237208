import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useReducer, useState } from 'preact/hooks';
import type { Api } from './api';
import type { Format } from './format';
import type { Heard, Link } from './link';
import type { Market } from './market';
import type { Preferences } from './preferences';
import type { Seeds } from './seeds';
import type { TableView } from './table';
import type { Words } from './words/en';

/** What every view stands on. */
export interface Shell {
  readonly api: Api;
  readonly market: Market;
  readonly link: Link;
  readonly seeds: Seeds;
  /** What the table showed last. */
  readonly table: { current: TableView };
  readonly words: Words;
  readonly format: Format;
  readonly preferences: Preferences;
  readonly prefer: (change: Partial<Preferences>) => void;
  /** Tells everybody the result of what was done, also those who do not see it. */
  readonly say: (text: string) => void;
  /** Milliseconds from an arbitrary start; never steps. */
  readonly elapsed: () => number;
}

/** Holds the {@link Shell} of the page. */
export const ShellContext = createContext<Shell | null>(null);

/** The shell. Throws Error outside of the page. */
export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === null) throw new Error('a view stands outside of the shell');
  return shell;
}

/** Something that calls back when it changes. */
interface Followed {
  follow(listener: () => void): () => void;
}

/** Renders again after a change, once for each picture of the screen however often that is. */
function useFollowed(followed: Followed): void {
  const [, again] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    let frame = 0;
    const stop = followed.follow(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => again());
    });
    again(); // what came between the first picture and now
    return () => {
      cancelAnimationFrame(frame);
      stop();
    };
  }, [followed]);
}

/** The rates, as they are shown. */
export function useMarket(): Market {
  const { market } = useShell();
  useFollowed(market);
  return market;
}

/** What was heard of the client. */
export function useHeard(): Heard {
  const { link } = useShell();
  useFollowed(link);
  return link.heard();
}

/** Whether the rates come all the way to the page, so that what has failed before is worth another try. */
export function isLive({ link, status }: Heard): boolean {
  return link.kind !== 'lost' && status?.stream.state === 'live';
}

/** What {@link Shell.elapsed} says; renders again every second. */
export function useSecond(): number {
  const { elapsed } = useShell();
  const [, again] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => again(), 1_000);
    return () => clearInterval(timer);
  }, []);
  return elapsed();
}

/** One thing that is being done at a time, and what was thrown. */
export interface Action {
  readonly busy: boolean;
  readonly error: unknown;
  readonly run: (steps: () => Promise<void>) => Promise<void>;
}

/** State of a button or a form that does something. */
export function useAction(): Action {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null });
  const run = useCallback(async (steps: () => Promise<void>): Promise<void> => {
    setState({ busy: true, error: null });
    try {
      await steps();
      setState({ busy: false, error: null });
    } catch (error) {
      setState({ busy: false, error });
    }
  }, []);
  return { ...state, run };
}
