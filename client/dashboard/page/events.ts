/** Server-sent events of the client (HTML §9.2), opened once; silence counts as their end. */
import type { Rate, Status } from './model';

/** Hears the events. */
export interface Listener {
  /** `clientMs`: what the client's clock says now. */
  snapshot(rates: readonly Rate[], clientMs: number): void;
  update(rates: readonly Rate[], clientMs: number): void;
  status(status: Status): void;
  /** Whatever has come: they are alive. */
  alive(): void;
  signedOut(): void;
  /** Nothing comes any more. Told once. */
  lost(): void;
}

/** What {@link openEvents} needs. */
export interface EventsDeps {
  readonly open: (url: string) => EventSource;
  /** Milliseconds from an arbitrary start; never steps. */
  readonly elapsed: () => number;
  readonly schedule: (delayMs: number, run: () => void) => () => void;
}

/** The client tells its status every 5 s: two that are missing and some more. */
const SILENCE_MS = 15_000;

/** No event is on its way for longer, in milliseconds: then its time is that of another clock. */
const LATE_MAX_MS = SILENCE_MS;

/** Opens them. @returns how to close them, after which nothing is told. */
export function openEvents({ open, elapsed, schedule }: EventsDeps, listener: Listener): () => void {
  const source = open('/api/events');
  let startMs = Number.NEGATIVE_INFINITY;
  const close = (): void => {
    source.close();
    cancelSilence();
  };
  const lose = (): void => {
    close();
    listener.lost();
  };
  let cancelSilence = schedule(SILENCE_MS, lose);
  const on = <Data>(type: string, take: (data: Data) => void): void =>
    source.addEventListener(type, (event) => {
      cancelSilence();
      cancelSilence = schedule(SILENCE_MS, lose);
      listener.alive();
      take(JSON.parse((event as MessageEvent<string>).data) as Data);
    });
  /** What was told may have been made a little earlier, but never later; much earlier, and the client's clock was set back. */
  const clientTime = (at: string): number => {
    const toldMs = Date.parse(at) - elapsed();
    if (toldMs > startMs || startMs - toldMs > LATE_MAX_MS) startMs = toldMs;
    return elapsed() + startMs;
  };
  on<News>('snapshot', ({ rates, at }) => listener.snapshot(rates, clientTime(at)));
  on<News>('update', ({ rates, at }) => listener.update(rates, clientTime(at)));
  on<Status>('status', (status) => listener.status(status));
  on('signed_out', () => {
    close();
    listener.signedOut();
  });
  source.addEventListener('error', lose);
  return close;
}

interface News {
  readonly rates: readonly Rate[];
  readonly at: string;
}
