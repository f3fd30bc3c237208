// For tests alone.
import { join } from 'node:path';
import { createLog, type Log } from './logs';

/** A log at its most talkative whose lines, JSON texts, are kept in `logged`. */
export function captureLog(service: string, now: () => number = () => 0): { log: Log; logged: string[] } {
  const logged: string[] = [];
  const write = (line: string): void => void logged.push(line);
  return {
    log: createLog({ service, version: '0', level: 'debug', format: 'json', write, now, colour: false }),
    logged,
  };
}

/** How a program is started: the binary that `bun run test` has just built, or under a bare `bun test` from its sources. */
export function commandOf(program: 'server' | 'client'): string[] {
  const root = join(import.meta.dir, '..');
  if (Bun.env['TEST_BINARIES'] === 'true') return [join(root, `crypto-${program}`)];
  return [process.execPath, join(root, program, 'main.ts')];
}

/** Names of the metrics that docs/metrics.md gives to a program, sorted. */
export function metricsIn(document: string, program: 'crypto_server' | 'crypto_client'): string[] {
  const own = document.matchAll(new RegExp(`\`((${program}|process)_\\w+)\``, 'g'));
  const common = document.matchAll(/`…(_\w+)`/g);
  return [...[...own].map(([, name = '']) => name), ...[...common].map(([, rest]) => program + rest)].sort();
}
