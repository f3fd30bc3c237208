import { createInterface } from 'node:readline/promises';
import { Refusal } from './command';

/** Asks the person at the terminal; only `y` or `yes` is true. */
export type Confirm = (question: string) => Promise<boolean>;

/** Asks a question on a terminal, which only `y` or `yes` answers with true. */
export function createConfirm(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Confirm {
  return async (question) => {
    const terminal = createInterface({ input, output });
    try {
      return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  };
}

/** Goes on when `--yes` was given or the person at the terminal says so. @throws Refusal */
export async function sure(
  { confirm }: { readonly confirm: Confirm | null },
  yes: true | undefined,
  question: string,
): Promise<void> {
  if (yes) return;
  if (confirm === null) throw new Refusal('This cannot be undone, and there is no terminal to ask at: add --yes.');
  if (!(await confirm(question))) throw new Refusal('Nothing was changed.');
}
