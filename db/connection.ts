// One connection to PostgreSQL that is thrown away when it ends. postgres.js would reconnect by itself, with a back-off of up to
// 20 seconds and without a bound on a silent peer; here whoever needs the next connection opens it, at once.
import { connect, type Socket } from 'node:net';
import postgres, { type Sql } from 'postgres';

/** Time for one host to accept a connection; with several hosts in the URL the next one is tried. */
const CONNECT_TIMEOUT_MS = 2_000;

const DEFAULT_PORT = 5432;

/** A postgres.js client that connects once, at its first query. */
export interface Connection {
  readonly client: Sql;
  /** False from the moment the connection is lost, refused, closed or destroyed. */
  alive(): boolean;
  /** Says goodbye to the server, waiting for statements in flight at most `timeoutMs`. Never rejects. */
  close(timeoutMs: number): Promise<void>;
  /** Cuts the connection at once; statements in flight reject. */
  destroy(): void;
}

/** What a connection is opened with. */
export interface ConnectionOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`; several hosts are separated by commas. */
  readonly url: string;
  /** As shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** The server ends statements, and transactions left idle, that take longer; 0: never. */
  readonly timeoutMs: number;
  /** Called once when an open connection ends or the first attempt fails. */
  readonly ended?: () => void;
  /** Hears what arrives on the channels this connection listens to. */
  readonly notified?: (channel: string, payload: string) => void;
}

/** A connection to the server was lost, or could not be made. */
export class ConnectionFault extends Error {
  readonly code = 'CONNECTION_LOST';
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** The hosts of a PostgreSQL URL in order; an IPv6 address may stand in brackets. */
export function urlTargets(url: string): readonly Target[] {
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).split(',');
  return hosts.map((text) => {
    const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
    return { host: host.replace(/^\[|\]$/g, '') || 'localhost', port: port ? Number(port) : DEFAULT_PORT };
  });
}

/** Prepares a connection; nothing is opened until the first query of `client`. */
export function openConnection(options: ConnectionOptions): Connection {
  const targets = urlTargets(options.url);
  const sockets = new Set<Socket>();
  let alive = true;
  let connected = false;

  const end = () => {
    if (!alive) return;
    alive = false;
    options.ended?.();
  };
  // postgres.js asks again after a loss, in order to reconnect.
  const onlySocket = async (): Promise<Socket> => {
    try {
      if (connected || !alive) throw new ConnectionFault('The connection to the database is lost');
      connected = true;
      const socket = await firstSocket(targets, sockets);
      return socket.once('error', end).once('close', end);
    } catch (error) {
      end();
      throw error;
    }
  };

  const client = postgres(options.url, driverOptions(options, targets, onlySocket, end));
  guardTransactions(client, () => alive);
  return {
    client,
    alive: () => alive,
    close: async (timeoutMs) => {
      await client.end({ timeout: timeoutMs / 1_000 }).catch(() => {});
      end();
      for (const socket of sockets) socket.destroy();
    },
    destroy: () => {
      end();
      client.end({ timeout: 0 }).catch(() => {});
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * postgres.js sends ROLLBACK, COMMIT and whatever else the work of a transaction asks for also when the connection has closed
 * meanwhile, and then fails where nobody can catch it: the process ends. So nothing is sent any more, and the work is never
 * over; the transaction as a whole is rejected by the close itself.
 */
function guardTransactions(client: postgres.Sql, alive: () => boolean): void {
  const begin = client.begin.bind(client);
  // A new one each time: a common one would keep all that ever waited for it.
  const never = () => new Promise<never>(() => {});
  const guarded = (work: (transaction: postgres.TransactionSql) => unknown) =>
    begin(async (transaction) => {
      const unsafe = transaction.unsafe.bind(transaction);
      const send = (...statement: Parameters<typeof unsafe>) => (alive() ? unsafe(...statement) : asLost());
      try {
        const result = await work(Object.assign(transaction, { unsafe: send }));
        return alive() ? result : never();
      } catch (error) {
        if (alive()) throw error;
        return never();
      }
    });
  Object.assign(client, { begin: guarded });
}

/** What stands for a statement that is not sent: drizzle asks some for rows as arrays. */
function asLost() {
  const lost = Promise.reject(new ConnectionFault('The connection to the database is lost'));
  return Object.assign(lost, { values: () => lost });
}

function driverOptions(
  options: ConnectionOptions,
  targets: readonly Target[],
  socket: () => Promise<Socket>,
  onclose: () => void,
): postgres.Options<Record<string, never>> {
  const first = targets[0] as Target;
  // Not in the types of postgres.js, though it reads them.
  const undeclared = { socket, onnotify: options.notified };
  return {
    ...undeclared,
    onclose,
    // For its messages only: the sockets come from here.
    host: first.host,
    port: first.port,
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    fetch_types: false,
    onnotice: () => {},
    connection: {
      application_name: options.applicationName,
      statement_timeout: options.timeoutMs,
      idle_in_transaction_session_timeout: options.timeoutMs,
      // The parsers expect these whatever the server's own defaults are.
      DateStyle: 'ISO',
      TimeZone: 'UTC',
    },
  };
}

/** Of the first host that accepts. */
async function firstSocket(targets: readonly Target[], sockets: Set<Socket>): Promise<Socket> {
  const failures: unknown[] = [];
  for (const target of targets) {
    try {
      return await openSocket(target, sockets);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures[0];
}

function openSocket(target: Target, sockets: Set<Socket>): Promise<Socket> {
  const socket = connect(target);
  sockets.add(socket);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new ConnectionFault(`No answer from the database at ${target.host}:${target.port}`));
    }, CONNECT_TIMEOUT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      // postgres.js takes the name for TLS (SNI and verification) from these.
      resolve(Object.assign(socket, target));
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('close', () => sockets.delete(socket));
  });
}
