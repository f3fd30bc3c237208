// A client with a port of its own before a real crypto-server, both under one clock that is moved by hand.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureLog } from '../../kit/testing';
import { readConfig } from '../config';
import type { Deadline } from '../ports';
import { startClient } from '../serve';
import type { StatusReport } from '../status/report';
import { openSocket } from '../stream/bun-socket';
import type { World } from './world';

/** A client that listens. */
export interface JoinedClient {
  readonly port: number;
  /** Every log line, as JSON text. */
  readonly logged: string[];
  /** Prices of the first currency in the order in which they were shown on the console. */
  readonly shown: number[];
  ask(path: string, init?: RequestInit): Promise<Response>;
  status(): Promise<StatusReport>;
  /** Ends it; its folder stays. */
  stop(): Promise<void>;
}

/** A folder for clients, and how to take it away. */
export function clientFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'crypto-client-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What may differ from a client as it is in the world. */
export interface JoinedOptions {
  /** When it waits no longer for an answer; by the real clock when left out. */
  readonly deadline?: Deadline;
}

/** Starts a client that knows nothing but `env`. */
export function startJoinedClient(
  world: World,
  env: Record<string, string>,
  { deadline = (ms) => AbortSignal.timeout(ms) }: JoinedOptions = {},
): JoinedClient {
  const { config } = readConfig({ env: { PORT: '0', ...env }, flags: {}, readFile: () => '' });
  const shown: number[] = [];
  let stopped: Promise<void> | null = null;
  const { log, logged } = captureLog('crypto-client', world.clock.now);
  const client = startClient(config, {
    ...world,
    random: () => world.chance,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    fetch: (request) => fetch(request),
    openSocket,
    deadline,
    lookup: async () => ['127.0.0.1'],
    log,
    idPrefix: 'joined',
    shown: ([first]) => void shown.push(first?.rate ?? Number.NaN),
  });
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${client.port}${path}`, init);
  return {
    port: client.port,
    logged,
    shown,
    ask,
    status: async () => (await (await ask('/api/status')).json()) as StatusReport,
    stop: () => {
      stopped ??= client.stop();
      return stopped;
    },
  };
}
