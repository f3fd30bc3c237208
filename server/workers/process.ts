import type { FromWorker, ToWorker } from './messages';
import { type Seat, takeSeat } from './seat';
import type { Spawn } from './supervisor';

/** Tells a process that it is a worker, and of which number. No setting: whoever sets it by hand has no supervisor. */
export const WORKER_VARIABLE = 'CRYPTO_SERVER_WORKER';

type Environment = Readonly<Record<string, string | undefined>>;

/** How this program is started again: a compiled binary by itself, the sources by the runtime. */
function ownCommand(): string[] {
  return Bun.main.startsWith('/$bunfs/') ? [process.execPath] : [process.execPath, Bun.main];
}

/** Starts workers as processes of this program with these arguments. Signals of a terminal reach the supervisor alone. */
export function createSpawn(args: readonly string[], env: Environment): Spawn {
  return (number, heard) => {
    const child = Bun.spawn([...ownCommand(), ...args], {
      env: { ...env, [WORKER_VARIABLE]: String(number) },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      serialization: 'json',
      ipc: (message: FromWorker) => heard(message),
    });
    return {
      send: (message: ToWorker) => {
        try {
          child.send(message);
        } catch {
          // A worker that is gone, or has cut the line to end, hears nothing.
        }
      },
      kill: (signal) => child.kill(signal),
      exited: child.exited,
    };
  };
}

/** The seat of this process; null: it is no worker. Without its supervisor nobody would stop it: then it asks itself to. */
export function seatOf(env: Environment): Seat | null {
  const number = env[WORKER_VARIABLE];
  if (number === undefined || process.send === undefined) return null;
  const send = process.send.bind(process);
  let isLeft = false;
  process.on('disconnect', () => {
    if (!isLeft) process.kill(process.pid, 'SIGTERM');
  });
  return takeSeat(Number(number), {
    send: (message) => void send(message),
    heard: (hear) => void process.on('message', hear),
    cut: () => {
      isLeft = true;
      process.disconnect?.();
    },
  });
}
