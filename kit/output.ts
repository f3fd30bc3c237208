import { writeSync } from 'node:fs';

/** Where a program's words go: results to `out`, everything about them to `err`. Texts bring their own line feeds. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/**
 * Standard output and standard error, written whole before the call returns, also into slow pipes. `out` throws the system's error
 * when that fails; `err` never does: a program goes on when the disk that its log is on is full, or its terminal is gone.
 */
export function standardOutput(): Output {
  return { out: (text) => writeWhole(1, text), err: (text) => writeIfPossible(2, text) };
}

function writeIfPossible(file: number, text: string): void {
  try {
    writeWhole(file, text);
  } catch {
    // There is nobody left to tell.
  }
}

const PAUSE_MS = 1; // how long a full pipe is left to drain before the next attempt
const pause = new Int32Array(new SharedArrayBuffer(4));

function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'EPIPE') return; // nobody reads any more, as after `| head`
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
}
