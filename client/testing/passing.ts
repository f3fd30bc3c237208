import { waitFor } from '../../server/testing';
import type { World } from './world';

/** Lets time pass in steps of so many milliseconds, so that answers come in between, until something holds. */
export type PassUntil = (check: () => boolean | Promise<boolean>, what: string, stepMs?: number) => Promise<void>;

/** In a world, by these steps unless a call has others. Rejects as {@link waitFor} does. */
export function passing(world: Pick<World, 'pass'>, stepMsUsual: number): PassUntil {
  return (check, what, stepMs = stepMsUsual) =>
    waitFor(async () => {
      if (await check()) return true;
      await world.pass(stepMs);
      return false;
    }, what);
}
