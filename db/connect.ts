import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import type { Sql, TransactionSql } from 'postgres';
import { type Connection, openConnection } from './connection';
import { allMissing, applyMigrations, isMigrated, readMigrationStatus } from './migrate';
import { createPool, type Pool, PoolClosed, type PoolCounts, settle } from './pool';
import { call, type Rows } from './rows';
import * as schema from './schema';

/** A database, real or embedded: the same tables, migrations and stores on both. */
export interface Database {
  readonly kind: 'postgres' | 'embedded';
  readonly rows: Rows;
  /** Hears NOTIFY on one channel, on a connection of its own. `lost` is called once if that connection ends by itself. */
  listen(channel: string, heard: (payload: string) => void, lost?: () => void): Promise<{ close(): Promise<void> }>;
  /** Takes the lock and applies what is missing; rejects with `NewerDatabase` when the database is ahead of this program. */
  migrate(): Promise<void>;
  /** Every migration of this program, in order. */
  migrationStatus(): Promise<readonly { name: string; applied: boolean }[]>;
  /** False when nobody ends what takes too long, or is left half done: a pooler in between has kept from the server what it was told. */
  bounded(): Promise<boolean>;
  /** Of the connections for queries; null where there are none. */
  connections(): PoolCounts | null;
  /** Copies the files as they are at one moment, queries waiting meanwhile; null: there are no files here to copy. */
  readonly copy: (() => Promise<FolderCopy>) | null;
  /** Lets what is running end, then closes. */
  close(): Promise<void>;
}

/** A copy of the database's files, as private as they are. */
export interface FolderCopy {
  readonly folder: string;
  remove(): void;
}

/** Every query and transaction settles within this time, even against a peer that has gone silent. */
const QUERY_DEADLINE_MS = 5_000;

/** The server itself ends a statement this much earlier, so that the connection and a clear error survive. */
const SERVER_LEAD_MS = 500;

/** A migration may rewrite a large table, and may wait for another server that does. */
export const MIGRATION_DEADLINE_MS = 10 * 60_000;

const CLOSE_MS = 1_000;

/** Connections for queries at most, unless another number is asked for. */
export const POOL_SIZE = 10;

/** Where a PostgreSQL server is, and what it is asked to bear. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** As shown in `pg_stat_activity`; `crypto-server` when left out. */
  readonly applicationName?: string;
  /** Connections at most, the listening ones not counted; {@link POOL_SIZE} when left out. */
  readonly poolSize?: number;
  /** `QUERY_DEADLINE_MS` when left out. */
  readonly deadlineMs?: number;
}

/** A PostgreSQL server. Lazy: nothing is opened until the first query, and a lost connection is replaced by the next query. */
export function connectPostgres(options: PostgresOptions): Database {
  const { url, applicationName = 'crypto-server', poolSize = POOL_SIZE, deadlineMs = QUERY_DEADLINE_MS } = options;
  const common = { url, applicationName, timeoutMs: Math.max(1, deadlineMs - SERVER_LEAD_MS) };
  const conversions: Conversions = { parsers: {}, serializers: {} };
  const open = () => convert(openConnection(common), conversions);
  const pool = createPool({ size: poolSize, deadlineMs, open });
  const rows = drizzle({ client: pooledClient(pool, conversions), schema });
  const listeners = new Set<Connection>();

  return {
    kind: 'postgres',
    rows,
    async listen(channel, heard, lost) {
      let wanted = true;
      const listener = openConnection({
        ...common,
        notified: (name, payload) => name === channel && heard(payload),
        ended: () => {
          listeners.delete(listener);
          if (wanted) lost?.();
        },
      });
      listeners.add(listener);
      const close = (timeoutMs: number) => {
        wanted = false;
        return listener.close(timeoutMs);
      };
      try {
        await settle(listener.client`listen ${listener.client(channel)}`, deadlineMs);
      } catch (error) {
        await close(0);
        throw error;
      }
      return { close: () => close(CLOSE_MS) };
    },
    async migrate() {
      // As at most starts: then the connection it was asked on is the first of the pool.
      if (await isMigrated(rows)) return;
      const connection = openConnection({ ...common, timeoutMs: 0 });
      const direct = drizzle({ client: connection.client, schema });
      try {
        await settle(
          applyMigrations(direct, (config) => migrate(direct, config)),
          MIGRATION_DEADLINE_MS,
        );
      } finally {
        await connection.close(CLOSE_MS);
      }
    },
    migrationStatus: () => readMigrationStatus(rows),
    bounded: async () => {
      const times = await call(
        rows,
        sql<string>`concat_ws(' ', current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'))`,
      );
      return !times.split(' ').includes('0');
    },
    connections: pool.counts,
    copy: null,
    async close() {
      await Promise.all([pool.close(), ...[...listeners].map((listener) => listener.close(CLOSE_MS))]);
    },
  };
}

/** For working without a database: the tables are there, every migration is missing, any query throws. */
export function offlineDatabase(): Database {
  const refuse = () => Promise.reject(new PoolClosed('This command works without a database'));
  return {
    kind: 'postgres',
    rows: drizzle.mock({ schema }),
    listen: refuse,
    migrate: refuse,
    migrationStatus: async () => allMissing(),
    bounded: refuse,
    connections: () => null,
    copy: null,
    close: async () => {},
  };
}

/** The converters by type number that drizzle sets on the client it is given. */
type Conversions = Pick<Sql['options'], 'parsers' | 'serializers'>;

function convert(connection: Connection, { parsers, serializers }: Conversions): Connection {
  Object.assign(connection.client.options.parsers, parsers);
  Object.assign(connection.client.options.serializers, serializers);
  return connection;
}

/** The part of a postgres.js client that drizzle uses, each statement and each transaction on a pooled connection. */
function pooledClient(pool: Pool, options: Conversions): Sql {
  const client = {
    options,
    begin: <T>(work: (transaction: TransactionSql) => Promise<T>) => pool.run((connection) => connection.begin(work)),
    // Started a moment later, because drizzle asks for rows as arrays by calling `values()` on what it was given.
    unsafe: (...statement: Parameters<Sql['unsafe']>) => {
      let asArrays = false;
      const answer = Promise.resolve().then(() =>
        pool.run<unknown>((connection) => {
          const query = connection.unsafe(...statement);
          return asArrays ? query.values() : query;
        }),
      );
      const values = () => {
        asArrays = true;
        return answer;
      };
      return Object.assign(answer, { values });
    },
  };
  return client as unknown as Sql; // drizzle uses no more of it, though its types ask for the whole client.
}
