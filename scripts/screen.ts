import { standardOutput } from '../kit/output';

const output = standardOutput();
const onTerminal = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
const coloured = process.stdout.isTTY && !process.env['NO_COLOR'];

const paint = (code: string) => (text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Text in colour on a terminal, as it is elsewhere. */
export const style = { bold: paint('1'), dim: paint('2'), red: paint('31'), green: paint('32'), cyan: paint('36') };

/** One line on standard output. */
export function say(line = ''): void {
  output.out(`${line}\n`);
}

/** Text on standard output as it came, without a line feed of ours. */
export function pass(text: string): void {
  output.out(text);
}

/**
 * Runs one step and shows it on one line: what is being done, then what came of it and how long it took.
 * `work` resolves to a remark for the line. A step that fails is marked and rethrown.
 */
export async function step(doing: string, work: () => Promise<string>): Promise<void> {
  const begun = performance.now();
  if (onTerminal) output.out(`  ${style.dim('○')} ${doing} …`);
  const finish = (mark: string, remark: string) => {
    const seconds = `${((performance.now() - begun) / 1000).toFixed(1)} s`;
    const start = onTerminal ? '\r\u001b[K' : '';
    say(`${start}  ${mark} ${doing.padEnd(38)} ${style.dim([remark, seconds].filter(Boolean).join(', '))}`);
  };
  try {
    finish(style.green('✓'), await work());
  } catch (error) {
    finish(style.red('✗'), '');
    throw error;
  }
}
