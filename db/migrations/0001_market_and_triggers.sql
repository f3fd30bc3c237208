INSERT INTO market (id) VALUES (1);
--> statement-breakpoint
INSERT INTO currency_rates (symbol, name, rate, anchor_rate) VALUES
  ('BTC', 'Bitcoin', 45000, 45000),
  ('ETH', 'Ethereum', 3200, 3200),
  ('SOL', 'Solana', 144, 144),
  ('XRP', 'XRP', 0.55, 0.55),
  ('ADA', 'Cardano', 0.50, 0.50),
  ('DOT', 'Polkadot', 7.20, 7.20),
  ('LINK', 'Chainlink', 14.50, 14.50),
  ('LTC', 'Litecoin', 70, 70),
  ('BCH', 'Bitcoin Cash', 250, 250),
  ('XLM', 'Stellar', 0.12, 0.12),
  ('UNI', 'Uniswap', 6.50, 6.50),
  ('DOGE', 'Dogecoin', 0.08, 0.08),
  ('AVAX', 'Avalanche', 35, 35);
--> statement-breakpoint
-- A disabled client's tokens die with their epoch, whoever disables it and by whatever means.
CREATE FUNCTION clients_raise_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.epoch := greatest(NEW.epoch, OLD.epoch + 1);
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER clients_raise_epoch BEFORE UPDATE ON clients FOR EACH ROW
  WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION clients_raise_epoch();
--> statement-breakpoint
-- Every change of a client is announced as 'clients:<client_id> <epoch>', or 'clients:<client_id> gone': in the order of
-- the commits and with all that is needed to judge its tokens, so that nobody has to ask again.
CREATE FUNCTION clients_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.client_id IS DISTINCT FROM NEW.client_id AND OLD.client_id IS NOT NULL THEN
    PERFORM pg_notify('changes', 'clients:' || OLD.client_id || ' gone');
  END IF;
  IF NEW.client_id IS NOT NULL THEN
    PERFORM pg_notify('changes', 'clients:' || NEW.client_id || ' ' || NEW.epoch);
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER clients_changed AFTER INSERT OR UPDATE OR DELETE ON clients
  FOR EACH ROW EXECUTE FUNCTION clients_changed();
--> statement-breakpoint
-- A change of its secrets is announced as 'clients:<client_id>'.
CREATE FUNCTION client_secrets_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('changes', 'clients:' || client_id)
    FROM public.clients
    WHERE id IN (OLD.client, NEW.client);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER client_secrets_changed AFTER INSERT OR UPDATE OR DELETE ON client_secrets
  FOR EACH ROW EXECUTE FUNCTION client_secrets_changed();
