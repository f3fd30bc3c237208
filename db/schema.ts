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
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

/** A moment in UTC with milliseconds; a `Date` in code. */
const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** What a client may ask for: resource identifier → scopes. The server's own resources are paths relative to the issuer. */
export type Grants = Readonly<Record<string, readonly string[]>>;

/** Which certificate a `tls_client_auth` client has (RFC 8705 §2.1.2): one of the five names, and its value. */
export interface TlsSubject {
  readonly kind:
    | 'tls_client_auth_subject_dn'
    | 'tls_client_auth_san_dns'
    | 'tls_client_auth_san_uri'
    | 'tls_client_auth_san_ip'
    | 'tls_client_auth_san_email';
  readonly value: string;
}

/** How a client authenticates (RFC 7591 §2, RFC 8705 §2); the two secret methods stand for each other. */
export type AuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth';

/**
 * Registered clients (RFC 6749 §2, RFC 7591). `epoch` is carried in every access token: a token with a lower number is dead.
 * A trigger raises it when `isActive` goes from true to false. Triggers announce every change that matters to a running
 * server on the channel `changes`, refuse an id that was deleted, and remember the ids that are.
 */
export const clients = pgTable('clients', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  clientId: text('client_id').notNull().unique(),
  appName: text('app_name').notNull(),
  isActive: boolean('is_active').notNull().default(true),
  epoch: integer('epoch').notNull().default(0),
  authMethod: text('auth_method').$type<AuthMethod>().notNull().default('client_secret_basic'),
  grants: jsonb('grants')
    .$type<Grants>()
    .notNull()
    .default({ '/api/currency': ['currency:read'] }),
  /** Public keys of the client (RFC 7517 §5), or where they are: never both. */
  jwks: jsonb('jwks').$type<{ readonly keys: readonly Record<string, unknown>[] }>(),
  jwksUri: text('jwks_uri'),
  tlsSubject: jsonb('tls_subject').$type<TlsSubject>(),
  /** True: only DPoP-bound tokens (RFC 9449 §5.2), or certificate-bound ones (RFC 8705 §3.4), are issued to it. */
  dpopBound: boolean('dpop_bound').notNull().default(false),
  certificateBound: boolean('certificate_bound').notNull().default(false),
  /** Limits of its own, such as `100/s`; null: the server's. */
  limitApi: text('limit_api'),
  limitToken: text('limit_token'),
  /** What it says of itself for people (RFC 7591 §2): `client_uri`, `contacts`, `software_id` … */
  metadata: jsonb('metadata').$type<Readonly<Record<string, unknown>>>().notNull().default({}),
  /** Its registration access token (RFC 7592), stored like a generated secret; null: it has none. */
  registrationTokenHash: text('registration_token_hash'),
  /** Gathered in memory and written in batches; no trigger fires on these two. */
  tokensIssued: bigint('tokens_issued', { mode: 'number' }).notNull().default(0),
  lastUsedAt: moment('last_used_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** Ids of clients that were deleted; they are never used again. Written by a trigger. */
export const deletedClients = pgTable('deleted_clients', {
  clientId: text('client_id').primaryKey(),
  deletedAt: moment('deleted_at').notNull().defaultNow(),
});

/**
 * The secrets of a client, live or ended a short time ago: the hash only. `client` is `clients.id`; the rows go with their
 * client. `hash` is `$argon2id$…` for a chosen secret and `sha256:…` for a generated one. `hint` is its last four characters.
 */
export const clientSecrets = pgTable(
  'client_secrets',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    client: integer('client')
      .notNull()
      .references(() => clients.id, { onDelete: 'cascade' }),
    hash: text('hash').notNull(),
    label: text('label').notNull().default(''),
    hint: text('hint'),
    expiresAt: moment('expires_at'),
    /** When the operator was told that it ends soon; no trigger fires on it. */
    warnedAt: moment('warned_at'),
    /** Written in batches; no trigger fires on it. */
    lastUsedAt: moment('last_used_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('client_secrets_client_index').on(table.client)],
);

/**
 * Keys that sign access tokens: the public JWK (RFC 7517) in clear, the private key encrypted, and gone once it no longer
 * signs. The state follows from the times: next until `activeFrom`, active until `retiredAt`, then retiring until the last
 * token has ended; dead at `revokedAt`.
 */
export const signingKeys = pgTable('signing_keys', {
  kid: text('kid').primaryKey(),
  alg: text('alg').notNull(),
  publicJwk: jsonb('public_jwk').$type<Record<string, unknown>>().notNull(),
  privateKey: text('private_key'),
  createdAt: moment('created_at').notNull().defaultNow(),
  activeFrom: moment('active_from').notNull().defaultNow(),
  retiredAt: moment('retired_at'),
  revokedAt: moment('revoked_at'),
});

/** Random secrets that all replicas share, by purpose, encrypted like private keys. */
export const sharedSecrets = pgTable('shared_secrets', {
  name: text('name').primaryKey(),
  sealed: text('sealed').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** Resource servers (RFC 8707): this server's own two by path, those of others by absolute URI. */
export const resources = pgTable('resources', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  identifier: text('identifier').notNull().unique(),
  name: text('name').notNull(),
  scopes: text('scopes').array().notNull(),
  /** Client ids that may introspect every token of this resource (RFC 7662 §2.1). */
  introspectionClients: text('introspection_clients').array().notNull().default(sql`'{}'`),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** Initial access tokens (RFC 7591 §3): SHA-256 of each, base64url. `usesLeft` null: as often as wished until it expires. */
export const registrationTokens = pgTable('registration_tokens', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  hash: text('hash').notNull().unique(),
  label: text('label').notNull().default(''),
  hint: text('hint').notNull(),
  usesLeft: integer('uses_left'),
  expiresAt: moment('expires_at').notNull(),
  lastUsedAt: moment('last_used_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/** Access tokens that were revoked one by one; a row is pruned when its token would have ended. */
export const revokedTokens = pgTable(
  'revoked_tokens',
  { jti: text('jti').primaryKey(), expiresAt: moment('expires_at').notNull() },
  (table) => [index('revoked_tokens_expires_at_index').on(table.expiresAt)],
);

/**
 * Client assertions that were used (RFC 7523 §3 `jti`): a hash of client and jti, until the assertion has ended. While a Redis
 * that replicas share is away also DPoP proofs (RFC 9449 §11.1): `dpop.` and a hash of key and jti.
 */
export const usedAssertions = pgTable(
  'used_assertions',
  { id: text('id').primaryKey(), expiresAt: moment('expires_at').notNull() },
  (table) => [index('used_assertions_expires_at_index').on(table.expiresAt)],
);

/** Sign-ins at the console: SHA-256 of each session's id, base64url. */
export const consoleSessions = pgTable('console_sessions', {
  hash: text('hash').primaryKey(),
  createdAt: moment('created_at').notNull().defaultNow(),
  seenAt: moment('seen_at').notNull().defaultNow(),
});

/**
 * Security events, each with an HMAC over itself and the one before (`hash`). `actor` is who did it, `clientId` whom it is
 * about; `count` is more than one where failures of a kind were gathered.
 */
export const auditEvents = pgTable(
  'audit_events',
  {
    seq: bigint('seq', { mode: 'number' }).primaryKey(),
    at: moment('at').notNull(),
    event: text('event').notNull(),
    outcome: text('outcome').$type<'success' | 'failure'>().notNull(),
    reason: text('reason'),
    actor: text('actor').notNull(),
    clientId: text('client_id'),
    address: text('address'),
    requestId: text('request_id'),
    count: integer('count').notNull().default(1),
    details: jsonb('details').$type<Readonly<Record<string, unknown>>>().notNull().default({}),
    hash: text('hash').notNull(),
  },
  (table) => [
    index('audit_events_at_index').on(table.at),
    index('audit_events_client_index').on(table.clientId, table.seq),
    index('audit_events_event_index').on(table.event, table.seq),
    index('audit_events_request_index').on(table.requestId),
    // Gathered failures only: they alone have a list of requests.
    index('audit_events_request_ids_index')
      .using('gin', sql`(${table.details} -> 'request_ids')`)
      .where(sql`(${table.details} -> 'request_ids') IS NOT NULL`),
  ],
);

/** The one row (id 1) that holds both ends of the chain of audit events, under an HMAC of their own. */
export const auditChain = pgTable(
  'audit_chain',
  {
    id: integer('id').primaryKey(),
    /** The last event that was pruned; 0 before the first pruning. */
    prunedSeq: bigint('pruned_seq', { mode: 'number' }).notNull().default(0),
    prunedHash: text('pruned_hash').notNull().default(''),
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull().default(0),
    lastHash: text('last_hash').notNull().default(''),
    mac: text('mac').notNull().default(''),
  },
  (table) => [check('audit_chain_one_row', sql`${table.id} = 1`)],
);

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
  /** A retired currency is served no more and keeps its history. */
  retiredAt: moment('retired_at'),
});

/**
 * Every rate that was a current one, in a partition for each day (UTC) of `at`. What a currency is listed at is its first row, under
 * the number of the tick before. `currency` is `currency_rates.id`, whose rows stay: a check of every row would cost what the row does.
 */
export const ticks = pgTable(
  'ticks',
  {
    currency: integer('currency').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    at: moment('at').notNull(),
    rate: numeric('rate').notNull(),
  },
  (table) => [primaryKey({ columns: [table.currency, table.seq, table.at] })],
);

/**
 * Candles of 1, 5, 15, 60, 240 and 1440 `minutes`, `openTime` on a multiple of them in UTC. `open` and `close` are the rates of the
 * ticks `firstSeq` and `lastSeq`, whatever the clock said; `ticks` counts what went in.
 */
export const candles = pgTable(
  'candles',
  {
    currency: integer('currency').notNull(),
    minutes: smallint('minutes').notNull(),
    openTime: moment('open_time').notNull(),
    open: numeric('open').notNull(),
    high: numeric('high').notNull(),
    low: numeric('low').notNull(),
    close: numeric('close').notNull(),
    ticks: integer('ticks').notNull(),
    firstSeq: bigint('first_seq', { mode: 'number' }).notNull(),
    lastSeq: bigint('last_seq', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.currency, table.minutes, table.openTime] }),
    index('candles_minutes_open_time_index').on(table.minutes, table.openTime),
  ],
);

/** Candles, of all currencies, that are not as the shorter ones within them say, or not there yet; longer ones around them neither. */
export const candlesDue = pgTable(
  'candles_due',
  { minutes: smallint('minutes').notNull(), openTime: moment('open_time').notNull() },
  (table) => [primaryKey({ columns: [table.minutes, table.openTime] })],
);
