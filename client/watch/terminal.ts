import type { Size } from './view';

/** A terminal with a person before it: what a full screen needs of it. */
export interface Terminal {
  size(): Size;
  write(text: string): void;
  /** True: every key comes at once, unseen; false: as the shell left it. */
  raw(on: boolean): void;
  /** What is typed. The function that it returns ends the listening. */
  onInput(heard: (text: string) => void): () => void;
  onResize(heard: () => void): () => void;
  /** `SIGTSTP`: somebody asks to stop; `SIGCONT`: it goes on. */
  onSignal(signal: 'SIGTSTP' | 'SIGCONT', heard: () => void): () => void;
  /** Called when the process ends, however it does but by SIGKILL. */
  onExit(heard: () => void): () => void;
  /** Stops this process until it is continued, as Ctrl-Z does. */
  suspend(): void;
}

/** The terminal of a process, or null when its standard input or output is none, or one that cannot move its cursor. */
export function terminalOf(
  process: NodeJS.Process,
  term: string | undefined,
  write: (text: string) => void,
): Terminal | null {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || term === 'dumb') return null;
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    write,
    raw: (on) => void stdin.setRawMode(on),
    onInput: (heard) => {
      const hear = (data: Buffer): void => heard(data.toString('utf8'));
      stdin.on('data', hear);
      stdin.resume();
      return () => {
        stdin.off('data', hear);
        stdin.pause();
      };
    },
    onResize: (heard) => {
      stdout.on('resize', heard);
      return () => void stdout.off('resize', heard);
    },
    onSignal: (signal, heard) => {
      process.on(signal, heard);
      return () => void process.off(signal, heard);
    },
    onExit: (heard) => {
      process.on('exit', heard);
      return () => void process.off('exit', heard);
    },
    // SIGTSTP is what we listen to; this one nobody can.
    suspend: () => void process.kill(process.pid, 'SIGSTOP'),
  };
}
