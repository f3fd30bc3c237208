import type { Terminal } from './terminal';

/** The whole of a terminal, until it is given back as it was found. */
export interface Screen {
  /** Shows these lines; only those that have changed are sent. */
  draw(lines: readonly string[]): void;
  /** Draws every line at the next time. */
  forget(): void;
  /** Gives the terminal to the shell, stops, and takes it again when the process is continued. */
  suspend(): void;
  /** Gives the terminal back. What is drawn later is not shown. */
  close(): void;
}

// Private modes of xterm: the alternate screen (1049), the cursor (25), lines that wrap (7), drawing at once (2026).
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/** Takes the terminal. `resumed` is called when it was given back and taken again. */
export function openScreen(terminal: Terminal, resumed: () => void): Screen {
  let shown: readonly string[] = [];
  let state: 'taken' | 'lent' | 'closed' = 'lent';
  const take = (): void => {
    if (state === 'closed') return;
    // Also when it was not lent: the shell may have changed it while somebody else had stopped us.
    state = 'taken';
    shown = [];
    terminal.raw(true);
    terminal.write(ENTER);
  };
  const giveBack = (): void => {
    if (state !== 'taken') return;
    state = 'lent';
    terminal.write(LEAVE);
    terminal.raw(false);
  };
  const suspend = (): void => {
    giveBack();
    terminal.suspend();
  };
  const forgetAll = [
    terminal.onExit(giveBack),
    terminal.onSignal('SIGTSTP', suspend),
    terminal.onSignal('SIGCONT', () => {
      take();
      resumed();
    }),
  ];
  take();
  return {
    draw: (lines) => {
      if (state !== 'taken') return;
      const changed = lines.flatMap((line, at) => (line === shown[at] ? [] : [`\u001b[${at + 1};1H${line}\u001b[K`]));
      if (changed.length > 0) terminal.write(`${BEGIN}${changed.join('')}${END}`);
      shown = lines;
    },
    forget: () => {
      shown = [];
    },
    suspend,
    close: () => {
      giveBack();
      state = 'closed';
      for (const forget of forgetAll) forget();
    },
  };
}
