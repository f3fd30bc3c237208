import { readdirSync } from 'node:fs';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Where Linux lists the open files of this process. */
const OPEN_FILES = '/proc/self/fd';

/**
 * Figures of the process under the names that Prometheus' own libraries give them; prom-client's collectors ask the runtime for
 * what Bun does not have.
 */
export function watchProcess(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | null, ofAll: 'sum' | 'min' = 'sum'): void => {
    new Gauge({
      name,
      help,
      registers,
      aggregator: ofAll,
      collect() {
        const value = read();
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  };
  gauge(
    'process_start_time_seconds',
    'When the process began, in seconds since the epoch.',
    () => performance.timeOrigin / 1000,
    'min',
  );
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('process_open_fds', 'Open file descriptors; absent where the system does not list them.', openFiles);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function openFiles(): number | null {
  try {
    return readdirSync(OPEN_FILES).length;
  } catch {
    return null;
  }
}
