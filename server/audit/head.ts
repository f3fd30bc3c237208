import type { Log } from '../../kit/logs';
import type { Fault, Head } from './chain';
import type { Extent } from './store';
import { createEvery } from './timer';

/** Where a server keeps the head of the trail outside the database: whoever sets the database back does not reach it. */
export interface KeptHead {
  /** Null: none is kept. */
  read(): Head | null;
  /** Replaces it. */
  write(head: Head): void;
}

/** `<seq>:<hash>`, as it is logged, kept in a file and given on a command line. */
export function headText({ seq, hash }: Head): string {
  return `${seq}:${hash}`;
}

/** The head of such a text; null: it is none. */
export function readHead(text: string): Head | null {
  const [, seq = '', hash = ''] = /^(\d{1,16}):([0-9a-f]{64})$/.exec(text) ?? [];
  return hash === '' || !Number.isSafeInteger(Number(seq)) ? null : { seq: Number(seq), hash };
}

/**
 * What is wrong when the trail is to contain this head; null: nothing, or it was pruned. `extent` was read with its number.
 * `whose` says who knows the head: `that this server knows`.
 */
export function headFault({ seq, hash }: Head, { ends, hashes }: Extent, whose: string): Omit<Fault, 'reason'> | null {
  if (seq < ends.prunedSeq || seq === 0) return null;
  if (seq > ends.lastSeq)
    return {
      seq: ends.lastSeq,
      what: `The trail ends at event ${ends.lastSeq}, before event ${seq} ${whose}: it was set back.`,
    };
  const there = seq === ends.prunedSeq ? ends.prunedHash : hashes.get(seq);
  if (there === hash) return null;
  return { seq, what: `Event ${seq} is not the one ${whose}: the trail was set back and written anew.` };
}

/** Keeps the head of a server where it can be compared with later. */
export interface HeadKeeper {
  /** As it was kept last; null: none. */
  kept(): Head | null;
  /** Keeps the present one; logs it once a day. Never throws. */
  keep(): void;
  /** Logs it: an operator who keeps the log can compare with it. */
  say(): void;
}

/** A day. */
const SAY_EVERY_MS = 86_400_000;

/** The keeper of one server's head. */
export function createHeadKeeper(options: {
  readonly kept: KeptHead;
  readonly head: () => Head;
  readonly now: () => number;
  readonly log: Log;
}): HeadKeeper {
  const { kept, head, now, log } = options;
  const saying = createEvery(SAY_EVERY_MS, now);
  let last = '';
  let failing = false;
  const say = (): void =>
    log.info('head of the audit trail', { 'event.sequence': head().seq, 'event.hash': head().hash });
  return {
    kept: () => kept.read(),
    say,
    keep: () => {
      if (saying.isDue()) say();
      const text = headText(head());
      if (text === last || head().seq === 0) return;
      try {
        kept.write(head());
        [last, failing] = [text, false];
      } catch (error) {
        // One line when it begins to fail, not one a minute.
        if (!failing) log.warn('the head of the audit trail cannot be kept in DATA_DIR', { error });
        failing = true;
      }
    },
  };
}
