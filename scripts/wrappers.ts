import { readFileSync } from 'node:fs';

const CHECK_MS = 500;
const MAX_DEPTH = 6;

/**
 * Calls `gone` once when a program that wraps this script (`bun run`, `npx`) has ended. They do not always pass a
 * signal on, and nothing must be left running behind them.
 */
export function watchWrappers(gone: () => void): void {
  const wrappers = findWrappers();
  const timer = setInterval(() => {
    if (wrappers.every(isAlive)) return;
    clearInterval(timer);
    gone();
  }, CHECK_MS);
  timer.unref();
}

/** Process ids from the parent up to the outermost wrapper; the shell of the user is none. */
function findWrappers(): readonly number[] {
  const ancestors: number[] = [];
  let outermost = 0;
  for (let pid = process.ppid; pid > 1 && ancestors.length < MAX_DEPTH; pid = parentOf(pid)) {
    ancestors.push(pid);
    if (/^(?:npm |\S*\bbunx? run )/.test(commandOf(pid))) outermost = ancestors.length;
  }
  return ancestors.slice(0, outermost);
}

function commandOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ');
}

function parentOf(pid: number): number {
  // The name in parentheses may hold spaces and parentheses itself.
  const [, parent = '0'] = /^.*\) \S (\d+)/s.exec(readProc(pid, 'stat')) ?? [];
  return Number(parent);
}

/** Empty where there is no /proc: then nothing is watched. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
