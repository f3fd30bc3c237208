import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

/** A moment in UTC with milliseconds; a `Date` in code. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/**
 * Registered clients (RFC 6749 §2). `epoch` is carried in every access token: a token with a lower number is dead.
 * A trigger raises it when `isActive` goes from true to false, and announces every change on the channel `changes`.
 */
export const clients = pgTable('clients', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  clientId: text('client_id').notNull().unique(),
  appName: text('app_name').notNull(),
  isActive: boolean('is_active').notNull().default(true),
  epoch: integer('epoch').notNull().default(0),
  scopes: text('scopes').array().notNull().default(sql`'{currency:read}'`),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** One row per live secret of a client: the hash only. `client` is `clients.id`; the rows go with their client. */
export const clientSecrets = pgTable(
  'client_secrets',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    client: integer('client')
      .notNull()
      .references(() => clients.id, { onDelete: 'cascade' }),
    hash: text('hash').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('client_secrets_client_index').on(table.client)],
);

/** Keys that sign access tokens: the public JWK (RFC 7517) in clear, the private key encrypted. */
export const signingKeys = pgTable('signing_keys', {
  kid: text('kid').primaryKey(),
  alg: text('alg').notNull(),
  publicJwk: jsonb('public_jwk').$type<Record<string, unknown>>().notNull(),
  privateKey: text('private_key').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** The one row (id 1) that numbers the ticks: `seq` has no holes, `tickedAt` is null until the first tick. */
export const market = pgTable(
  'market',
  {
    id: integer('id').primaryKey(),
    seq: bigint('seq', { mode: 'number' }).notNull().default(0),
    catalogueVersion: integer('catalogue_version').notNull().default(1),
    tickedAt: moment('ticked_at'),
  },
  (table) => [check('market_one_row', sql`${table.id} = 1`)],
);

/** The current rate of each currency in US dollars; `numeric` is a decimal string in code. The walk is drawn back to `anchorRate`. */
export const currencyRates = pgTable('currency_rates', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  symbol: text('symbol').notNull().unique(),
  name: text('name').notNull(),
  rate: numeric('rate').notNull(),
  anchorRate: numeric('anchor_rate').notNull(),
  lastUpdated: moment('last_updated').notNull().defaultNow(),
});

/** One-minute candles, `openTime` on the minute in UTC. `currency` is `currency_rates.id`; `ticks` counts what went in. */
export const candles1m = pgTable(
  'candles_1m',
  {
    currency: integer('currency')
      .notNull()
      .references(() => currencyRates.id),
    openTime: moment('open_time').notNull(),
    open: numeric('open').notNull(),
    high: numeric('high').notNull(),
    low: numeric('low').notNull(),
    close: numeric('close').notNull(),
    ticks: integer('ticks').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.currency, table.openTime] }),
    index('candles_1m_open_time_index').on(table.openTime),
  ],
);
