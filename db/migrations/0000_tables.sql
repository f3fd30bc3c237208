CREATE TABLE clients (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  client_id text NOT NULL CONSTRAINT clients_client_id_unique UNIQUE,
  app_name text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  epoch integer NOT NULL DEFAULT 0,
  scopes text[] NOT NULL DEFAULT '{currency:read}',
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE client_secrets (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  client integer NOT NULL CONSTRAINT client_secrets_client_clients_id_fk REFERENCES clients (id) ON DELETE CASCADE,
  hash text NOT NULL,
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX client_secrets_client_index ON client_secrets (client);
--> statement-breakpoint
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  alg text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_key text NOT NULL,
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE market (
  id integer PRIMARY KEY CONSTRAINT market_one_row CHECK (id = 1),
  seq bigint NOT NULL DEFAULT 0,
  catalogue_version integer NOT NULL DEFAULT 1,
  ticked_at timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE currency_rates (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  symbol text NOT NULL CONSTRAINT currency_rates_symbol_unique UNIQUE,
  name text NOT NULL,
  rate numeric NOT NULL,
  anchor_rate numeric NOT NULL,
  last_updated timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE candles_1m (
  currency integer NOT NULL CONSTRAINT candles_1m_currency_currency_rates_id_fk REFERENCES currency_rates (id),
  open_time timestamp (3) with time zone NOT NULL,
  open numeric NOT NULL,
  high numeric NOT NULL,
  low numeric NOT NULL,
  close numeric NOT NULL,
  ticks integer NOT NULL,
  CONSTRAINT candles_1m_currency_open_time_pk PRIMARY KEY (currency, open_time)
);
--> statement-breakpoint
CREATE INDEX candles_1m_open_time_index ON candles_1m (open_time);
