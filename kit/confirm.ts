import { createInterface } from 'node:readline/promises';

/** Asks a question on a terminal, which only `y` or `yes` answers with true. */
export function createConfirm(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
  return async (question: string): Promise<boolean> => {
    const terminal = createInterface({ input, output });
    try {
      return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
    } finally {
      terminal.close();
    }
  };
}
