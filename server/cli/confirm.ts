import { Refusal } from '../../kit/command';
import type { CliProcess } from './api';

/** Goes on when `--yes` was given or the person at the terminal says so. @throws Refusal */
export async function sure({ confirm }: CliProcess, yes: true | undefined, question: string): Promise<void> {
  if (yes) return;
  if (confirm === null) throw new Refusal('This cannot be undone, and there is no terminal to ask at: add --yes.');
  if (!(await confirm(question))) throw new Refusal('Nothing was changed.');
}
