// Who watches the workers: exact, without processes.
import { describe, expect, test } from 'bun:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { captureLog } from '../../kit/testing';
import type { FromWorker, ToWorker } from './messages';
import { takeSeat } from './seat';
import { createSupervisor, type Signal, WorkerFailed } from './supervisor';

/** A worker as the supervisor sees it, moved by hand. */
interface Scripted {
  readonly number: number;
  readonly signals: Signal[];
  say(message: FromWorker): void;
  heard: ToWorker[];
  end(code: number): void;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

function open(count = 3) {
  const { log, logged } = captureLog('workers');
  const workers: Scripted[] = [];
  const refusals: Error[] = [];
  const timers: { atMs: number; run: () => void }[] = [];
  let nowMs = 0;
  const supervisor = createSupervisor({
    count,
    log,
    elapsed: () => nowMs,
    schedule: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    spawn: (number, heard) => {
      const refusal = refusals.pop();
      if (refusal !== undefined) throw refusal;
      const { promise, resolve } = Promise.withResolvers<number>();
      const worker: Scripted = { number, signals: [], say: heard, heard: [], end: resolve };
      workers.push(worker);
      return {
        send: (message) => void worker.heard.push(message),
        kill: (signal) => void worker.signals.push(signal),
        exited: promise,
      };
    },
  });
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
    for (const timer of timers.filter(({ atMs }) => atMs <= nowMs)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.run();
    }
    await settle();
  };
  const started = async (): Promise<void> => {
    const starting = supervisor.start();
    workers[0]?.say({ type: 'ready' });
    await settle();
    for (const worker of workers.slice(1)) worker.say({ type: 'ready' });
    await starting;
  };
  return {
    supervisor,
    workers,
    started,
    pass,
    timers,
    refusals,
    numbers: () => workers.map(({ number }) => number),
    logged,
  };
}

describe('workers', () => {
  test('the first one starts alone, since it makes what all share; the others follow together', async () => {
    const { supervisor, workers, numbers } = open();
    const starting = supervisor.start();
    await settle();
    expect(numbers()).toEqual([1]);
    workers[0]?.say({ type: 'ready' });
    await settle();
    expect(numbers()).toEqual([1, 2, 3]);
    for (const worker of workers.slice(1)) worker.say({ type: 'ready' });
    await starting;
  });

  test('one that ends before it listens ends the start, with its exit code, and the others with it', async () => {
    const { supervisor, workers } = open();
    const starting = supervisor.start();
    workers[0]?.say({ type: 'ready' });
    await settle();
    workers[1]?.end(78);
    await settle();
    expect(workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], [], ['SIGTERM']]);
    for (const worker of workers) worker.end(0);
    const failure = await starting.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkerFailed);
    expect(failure).toMatchObject({ code: 78 });
  });

  test('one that ends later is replaced, each time after a longer pause', async () => {
    const { workers, started, pass, numbers } = open(2);
    await started();
    for (const pauseMs of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
      const before = workers.length;
      workers.findLast(({ number }) => number === 2)?.end(139);
      await settle();
      await pass(pauseMs - 1);
      expect(workers.length).toBe(before);
      await pass(1);
      expect(workers.length).toBe(before + 1);
      workers.at(-1)?.say({ type: 'ready' });
    }
    expect(new Set(numbers())).toEqual(new Set([1, 2]));
  });

  test('one that the system cannot start is tried again, and the reason is told', async () => {
    const { workers, started, pass, refusals, numbers, logged } = open(2);
    await started();
    refusals.push(new Error('ENOENT: no such file'));
    workers[1]?.end(1);
    await settle();
    await pass(100);
    expect(logged.join()).toContain('ENOENT');
    await pass(199);
    expect(numbers()).toEqual([1, 2]);
    await pass(1);
    expect(numbers()).toEqual([1, 2, 2]);
  });

  test('one that has lived for a minute is replaced at once again; one that does not even listen is tried on', async () => {
    const { workers, started, pass } = open(2);
    await started();
    workers[1]?.end(1);
    await settle();
    await pass(100);
    workers[2]?.end(1);
    await settle();
    await pass(200);
    workers[3]?.say({ type: 'ready' });
    await pass(60_000);
    workers[3]?.end(1);
    await settle();
    await pass(100);
    expect(workers.length).toBe(5);
  });

  test('all are told to stop, and none is replaced', async () => {
    const { supervisor, workers, started, timers } = open();
    await started();
    workers[2]?.end(1);
    await settle();
    expect(timers.length).toBe(1);
    const stopping = supervisor.stop();
    expect(timers.length).toBe(0);
    expect(workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM'], []]);
    workers[0]?.end(0);
    workers[1]?.end(0);
    await stopping;
    expect(workers.length).toBe(3);
  });

  test('none is started any more when a stop comes while the first one starts', async () => {
    const { supervisor, workers, numbers, logged } = open();
    const starting = supervisor.start();
    const stopping = supervisor.stop();
    workers[0]?.say({ type: 'ready' });
    await settle();
    expect(numbers()).toEqual([1]);
    workers[0]?.end(0);
    await Promise.all([starting, stopping]);
    expect(logged).toEqual([]);
  });

  test('a signal goes to all of them', async () => {
    const { supervisor, workers, started } = open();
    await started();
    supervisor.signal('SIGHUP');
    expect(workers.map(({ signals }) => signals)).toEqual([['SIGHUP'], ['SIGHUP'], ['SIGHUP']]);
  });
});

test('a signal waits for a worker that does not listen yet, and is not told twice', async () => {
  const { supervisor, workers, started, pass } = open(2);
  await started();
  workers[1]?.end(1);
  await settle();
  await pass(100);
  supervisor.signal('SIGHUP');
  expect(workers.map(({ signals }) => signals)).toEqual([['SIGHUP'], [], []]);
  workers[2]?.say({ type: 'ready' });
  expect(workers[2]?.signals).toEqual(['SIGHUP']);
  workers[2]?.end(1);
  await settle();
  await pass(200);
  workers[3]?.say({ type: 'ready' });
  expect(workers[3]?.signals).toEqual([]);
});

describe('metrics of all workers', () => {
  /** A registry with one gauge that is added up and one of which the least counts. */
  const registryOf = (streams: number, seq: number) => {
    const registry = new Registry();
    const registers = [registry];
    new Gauge({ name: 'streams', help: 'Open streams.', registers, aggregator: 'sum' }).set(streams);
    new Gauge({ name: 'seq', help: 'The tick.', registers, aggregator: 'min' }).set(seq);
    new Counter({ name: 'requests_total', help: 'Requests.', registers, labelNames: ['route'] }).inc(
      { route: '/' },
      10,
    );
    new Histogram({ name: 'seconds', help: 'Durations.', registers, buckets: [1] }).observe(0.5);
    return registry;
  };
  /** Joins the line of each worker to a seat. */
  const seats = (workers: readonly Scripted[]) =>
    workers.map((worker, at) => {
      const hearers: ((message: ToWorker) => void)[] = [];
      worker.heard = Object.assign([] as ToWorker[], {
        push: (message: ToWorker) => hearers.map((hear) => hear(message)).length,
      });
      const seat = takeSeat(at + 1, {
        send: worker.say,
        heard: (hear) => void hearers.push(hear),
        cut: () => {},
      });
      return seat.page(registryOf(at + 1, 10 + at));
    });

  test('are told by whichever is asked, each added up as it should be', async () => {
    const { workers, started } = open();
    await started();
    const pages = seats(workers);
    for (const page of pages) {
      const text = await page.metrics();
      expect(text).toContain('streams 6\n');
      expect(text).toContain('seq 10\n');
    }
  });

  test('do not wait for one that does not listen yet', async () => {
    const { workers, started, pass } = open(2);
    await started();
    workers[1]?.end(1);
    await settle();
    await pass(100);
    const [page] = seats(workers);
    expect(await page?.metrics()).toContain('streams 1\n');
  });

  test('leave out one that does not answer', async () => {
    const { workers, started, pass } = open();
    await started();
    const [page] = seats(workers.slice(0, 2));
    const text = page?.metrics();
    await settle();
    await pass(1_000);
    expect(await text).toContain('streams 3\n');
  });

  /** The totals of this page. */
  const totalsIn = (text: string | undefined) =>
    ['requests_total{route="/"} ', 'seconds_bucket{le="1"} ', 'seconds_count '].map((name) =>
      Number(text?.split(`\n${name}`)[1]?.split('\n')[0]),
    );

  test('keep the totals of one that does not answer this time', async () => {
    const { workers, started, pass } = open(2);
    await started();
    const [page] = seats(workers);
    expect(totalsIn(await page?.metrics())).toEqual([20, 2, 2]);
    if (workers[1] !== undefined) workers[1].heard = [];
    const text = page?.metrics();
    await settle();
    await pass(1_000);
    expect(totalsIn(await text)).toEqual([20, 2, 2]);
    expect(await text).toContain('streams 1\n');
  });

  test('keep the totals of those that ended, and add those of their successors', async () => {
    const { workers, started, pass } = open(2);
    await started();
    const [page] = seats(workers);
    expect(totalsIn(await page?.metrics())).toEqual([20, 2, 2]);
    for (const [turn, total] of [3, 4].entries()) {
      workers.at(-1)?.end(1);
      await settle();
      expect(totalsIn(await page?.metrics())).toEqual([10 * (total - 1), total - 1, total - 1]);
      await pass(100 * 2 ** turn);
      seats(workers.slice(-1));
      workers.at(-1)?.say({ type: 'ready' });
      const text = await page?.metrics();
      expect(totalsIn(text)).toEqual([10 * total, total, total]);
      expect(text).toContain('streams 2\n');
    }
  });
});
