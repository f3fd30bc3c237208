/** `rates --watch` on a terminal: a live table on the full screen, moved by keys. Apart from rates/, which knows no screens. */
import type { Schedule } from '../ports';
import type { SeenRate } from '../rates/model';
import { readKeys } from './keys';
import { openScreen } from './screen';
import { EMPTY, pressed, type WatchState, withRates } from './state';
import type { Terminal } from './terminal';
import { type Connection, pageSize, renderFrame } from './view';

/** Time between two looks at the rates, in milliseconds: ages count in seconds, and an eye sees no sooner. */
const LOOK_MS = 250;

/** What is watched. */
export interface Watched {
  /** The latest rates, a new list when there are new ones; null before the first. */
  readonly rates: () => readonly SeenRate[] | null;
  readonly connection: () => Connection;
  /** Where they come from, for people. */
  readonly source: string;
}

/** What watching needs. */
export interface WatchOptions {
  readonly terminal: Terminal;
  readonly schedule: Schedule;
  readonly colour: boolean;
}

/** The screen while it is watched. */
export interface Watching {
  /** Resolves when the person has had enough; rejects when nothing can be shown. The terminal is given back by then. */
  readonly left: Promise<void>;
  /** Gives the terminal back. */
  close(): void;
}

/** Takes the terminal and shows the rates until it is closed. */
export function watch(watched: Watched, { terminal, schedule, colour }: WatchOptions): Watching {
  const left = Promise.withResolvers<void>();
  let state: WatchState = EMPTY;
  let known: readonly SeenRate[] | null = null;
  let cancelLook = (): void => {};

  const draw = (): void => {
    const { source, connection } = watched;
    screen.draw(renderFrame(state, { size: terminal.size(), connection: connection(), source, colour }));
  };
  /** Whatever goes wrong, the terminal is given back before anybody hears of it. */
  const safely = (step: () => void): void => {
    try {
      step();
    } catch (error) {
      close();
      left.reject(error);
    }
  };
  const look = (): void => {
    cancelLook = schedule(LOOK_MS, () => safely(look));
    const rates = watched.rates();
    if (rates !== null && rates !== known) state = withRates(state, rates);
    known = rates;
    draw();
  };
  const hear = (text: string): void => {
    for (const key of readKeys(text)) {
      if (key === 'redraw') screen.forget();
      if (key === 'suspend') screen.suspend();
      const next = pressed(state, key, pageSize(terminal.size()));
      if (next === null) {
        quit();
        return;
      }
      state = next;
    }
    draw();
  };
  const quit = (): void => {
    close();
    left.resolve();
  };
  const redraw = (): void => {
    screen.forget();
    draw();
  };
  const screen = openScreen(terminal, () => safely(redraw));
  const deafen = [terminal.onInput((text) => safely(() => hear(text))), terminal.onResize(() => safely(redraw))];
  const close = (): void => {
    cancelLook();
    for (const stop of deafen) stop();
    screen.close();
  };
  safely(look);
  return { left: left.promise, close };
}
