/** A key by its name, or the one character that it types. */
export type Key =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'interrupt'
  | 'suspend'
  | 'redraw'
  | (string & {});

/** What terminals send for keys that type nothing (ECMA-48, and what xterm made of it). */
const NAMES: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[C': 'right',
  '\u001bOC': 'right',
  '\u001b[D': 'left',
  '\u001bOD': 'left',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001bOH': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001bOF': 'end',
  '\u001b[4~': 'end',
  '\u001b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\b': 'backspace',
  '\u007f': 'backspace',
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\u000c': 'redraw',
};

// A sequence of CSI or SS3, else one character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals speak in controls
const TOKENS = /\u001b\[[0-?]*[ -/]*[@-~]|\u001bO[@-~]|./gsu;

/** What was typed, key by key; sequences that mean nothing here are left out. */
export function readKeys(text: string): readonly Key[] {
  const tokens = text.match(TOKENS) ?? [];
  return tokens.flatMap((token) => NAMES[token] ?? (/^\P{Cc}$/u.test(token) ? [token] : []));
}
