ALTER TABLE clients
  ADD COLUMN auth_method text NOT NULL DEFAULT 'client_secret_basic',
  ADD COLUMN grants jsonb NOT NULL DEFAULT '{"/api/currency":["currency:read"]}',
  ADD COLUMN jwks jsonb,
  ADD COLUMN jwks_uri text,
  ADD COLUMN tls_subject jsonb,
  ADD COLUMN dpop_bound boolean NOT NULL DEFAULT false,
  ADD COLUMN certificate_bound boolean NOT NULL DEFAULT false,
  ADD COLUMN limit_api text,
  ADD COLUMN limit_token text,
  ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN registration_token_hash text,
  ADD COLUMN tokens_issued bigint NOT NULL DEFAULT 0,
  ADD COLUMN last_used_at timestamp (3) with time zone;
--> statement-breakpoint
UPDATE clients SET grants = jsonb_build_object('/api/currency', to_jsonb(scopes));
--> statement-breakpoint
ALTER TABLE clients DROP COLUMN scopes;
--> statement-breakpoint
CREATE TABLE deleted_clients (
  client_id text PRIMARY KEY,
  deleted_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
ALTER TABLE client_secrets
  ADD COLUMN label text NOT NULL DEFAULT '',
  ADD COLUMN hint text,
  ADD COLUMN expires_at timestamp (3) with time zone,
  ADD COLUMN warned_at timestamp (3) with time zone,
  ADD COLUMN last_used_at timestamp (3) with time zone;
--> statement-breakpoint
ALTER TABLE signing_keys
  ALTER COLUMN private_key DROP NOT NULL,
  ADD COLUMN active_from timestamp (3) with time zone NOT NULL DEFAULT now(),
  ADD COLUMN retired_at timestamp (3) with time zone,
  ADD COLUMN revoked_at timestamp (3) with time zone;
--> statement-breakpoint
UPDATE signing_keys SET active_from = created_at;
--> statement-breakpoint
ALTER TABLE currency_rates ADD COLUMN retired_at timestamp (3) with time zone;
--> statement-breakpoint
CREATE TABLE shared_secrets (
  name text PRIMARY KEY,
  sealed text NOT NULL,
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE resources (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  identifier text NOT NULL CONSTRAINT resources_identifier_unique UNIQUE,
  name text NOT NULL,
  scopes text[] NOT NULL,
  introspection_clients text[] NOT NULL DEFAULT '{}',
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
-- The server's own resources; a path stands for itself below whatever ISSUER is.
INSERT INTO resources (identifier, name, scopes) VALUES
  ('/api/currency', 'Crypto rates', '{currency:read}'),
  ('/api/admin', 'Administration', '{admin}');
--> statement-breakpoint
CREATE TABLE registration_tokens (
  id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  hash text NOT NULL CONSTRAINT registration_tokens_hash_unique UNIQUE,
  label text NOT NULL DEFAULT '',
  hint text NOT NULL,
  uses_left integer,
  expires_at timestamp (3) with time zone NOT NULL,
  last_used_at timestamp (3) with time zone,
  created_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE revoked_tokens (
  jti text PRIMARY KEY,
  expires_at timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX revoked_tokens_expires_at_index ON revoked_tokens (expires_at);
--> statement-breakpoint
CREATE TABLE used_assertions (
  id text PRIMARY KEY,
  expires_at timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX used_assertions_expires_at_index ON used_assertions (expires_at);
--> statement-breakpoint
CREATE TABLE console_sessions (
  hash text PRIMARY KEY,
  created_at timestamp (3) with time zone NOT NULL DEFAULT now(),
  seen_at timestamp (3) with time zone NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE audit_events (
  seq bigint PRIMARY KEY,
  at timestamp (3) with time zone NOT NULL,
  event text NOT NULL,
  outcome text NOT NULL,
  reason text,
  actor text NOT NULL,
  client_id text,
  address text,
  request_id text,
  count integer NOT NULL DEFAULT 1,
  details jsonb NOT NULL DEFAULT '{}',
  hash text NOT NULL
);
--> statement-breakpoint
CREATE INDEX audit_events_at_index ON audit_events (at);
--> statement-breakpoint
CREATE INDEX audit_events_client_index ON audit_events (client_id, seq);
--> statement-breakpoint
CREATE INDEX audit_events_event_index ON audit_events (event, seq);
--> statement-breakpoint
CREATE INDEX audit_events_request_index ON audit_events (request_id);
--> statement-breakpoint
CREATE INDEX audit_events_request_ids_index ON audit_events USING gin ((details -> 'request_ids'))
  WHERE (details -> 'request_ids') IS NOT NULL;
--> statement-breakpoint
CREATE TABLE audit_chain (
  id integer PRIMARY KEY CONSTRAINT audit_chain_one_row CHECK (id = 1),
  pruned_seq bigint NOT NULL DEFAULT 0,
  pruned_hash text NOT NULL DEFAULT '',
  last_seq bigint NOT NULL DEFAULT 0,
  last_hash text NOT NULL DEFAULT '',
  mac text NOT NULL DEFAULT ''
);
--> statement-breakpoint
INSERT INTO audit_chain (id) VALUES (1);
--> statement-breakpoint
-- A change of a client is announced as 'clients:<client_id> <epoch>' with its own limit_api behind when it has one, or 'clients:<client_id> gone'. What is
-- only counted (tokens_issued, last_used_at) is not announced. The id of a client that goes is remembered for ever.
CREATE OR REPLACE FUNCTION clients_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.client_id IS DISTINCT FROM NEW.client_id AND OLD.client_id IS NOT NULL THEN
    INSERT INTO public.deleted_clients (client_id) VALUES (OLD.client_id) ON CONFLICT DO NOTHING;
    PERFORM pg_notify('changes', 'clients:' || OLD.client_id || ' gone');
  END IF;
  -- Who inserts an id while another deletes it has waited for that to be committed, after the look below.
  IF OLD.client_id IS DISTINCT FROM NEW.client_id
    AND EXISTS (SELECT FROM public.deleted_clients WHERE client_id = NEW.client_id) THEN
    RAISE unique_violation USING MESSAGE = 'this client_id was deleted and is never used again';
  END IF;
  IF NEW.client_id IS NOT NULL THEN
    PERFORM pg_notify('changes', 'clients:' || NEW.client_id || ' ' || NEW.epoch || coalesce(' ' || NEW.limit_api, ''));
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
DROP TRIGGER clients_changed ON clients;
--> statement-breakpoint
CREATE TRIGGER clients_changed AFTER INSERT OR DELETE OR UPDATE OF
  client_id, is_active, epoch, auth_method, grants, jwks, jwks_uri, tls_subject, dpop_bound, certificate_bound, limit_api,
  limit_token
  ON clients FOR EACH ROW EXECUTE FUNCTION clients_changed();
--> statement-breakpoint
-- An id that was deleted is taken for ever: inserting it inserts nothing, as ON CONFLICT DO NOTHING would.
CREATE FUNCTION clients_refuse_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM public.deleted_clients WHERE client_id = NEW.client_id) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER clients_refuse_deleted BEFORE INSERT ON clients
  FOR EACH ROW EXECUTE FUNCTION clients_refuse_deleted();
--> statement-breakpoint
DROP TRIGGER client_secrets_changed ON client_secrets;
--> statement-breakpoint
CREATE TRIGGER client_secrets_changed AFTER INSERT OR DELETE OR UPDATE OF client, hash, expires_at ON client_secrets
  FOR EACH ROW EXECUTE FUNCTION client_secrets_changed();
--> statement-breakpoint
-- 'keys:' and 'resources:' say that all of them are to be read again.
CREATE FUNCTION announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('changes', TG_ARGV[0] || ':');
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION announce_change('keys');
--> statement-breakpoint
CREATE TRIGGER resources_changed AFTER INSERT OR UPDATE OR DELETE ON resources
  FOR EACH STATEMENT EXECUTE FUNCTION announce_change('resources');
--> statement-breakpoint
-- A revoked token is announced as 'tokens:<jti> <seconds since the epoch when it would have ended>'.
CREATE FUNCTION revoked_tokens_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('changes', 'tokens:' || NEW.jti || ' ' || ceil(extract(epoch FROM NEW.expires_at)));
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER revoked_tokens_changed AFTER INSERT ON revoked_tokens
  FOR EACH ROW EXECUTE FUNCTION revoked_tokens_changed();
