import { waitFor } from '../../server/testing';
import type { World } from './world';

/** Lets time pass in steps of so many milliseconds, so that answers come in between, until something holds. */
export type PassUntil = (check: () => boolean | Promise<boolean>, what: string, stepMs?: number) => Promise<void>;

/** An answer that a step leads to begins within so many milliseconds; what was begun is waited for longer. */
const BREATH_MS = 5;

/** Within so many milliseconds an answer comes in, unless whoever is asked is silent. */
const ANSWER_MS = 20;

/** Far above what any test waits for on a machine that is well. */
const PATIENCE_MS = 20_000;

/** In a world, by these steps unless a call has others. Rejects as {@link waitFor} does. */
export function passing({ pass, underWay }: Pick<World, 'pass' | 'underWay'>, stepMsUsual: number): PassUntil {
  return (check, what, stepMs = stepMsUsual) =>
    waitFor(
      async () => {
        if (await check()) return true;
        await pass(stepMs);
        if (underWay.size > 0) await Promise.race([Promise.all(underWay), Bun.sleep(ANSWER_MS - BREATH_MS)]);
        return false;
      },
      what,
      PATIENCE_MS,
      BREATH_MS,
    );
}
