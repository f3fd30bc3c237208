CREATE TABLE ticks (
  currency integer NOT NULL,
  seq bigint NOT NULL,
  at timestamp (3) with time zone NOT NULL,
  rate numeric NOT NULL,
  CONSTRAINT ticks_currency_seq_at_pk PRIMARY KEY (currency, seq, at)
) PARTITION BY RANGE (at);
--> statement-breakpoint
-- Makes the partition of the day (UTC) of a moment, unless it is there. The lock is the one that attaching takes: it lets rows be
-- read and written, and one partition be made at a time.
CREATE FUNCTION ticks_make_day(moment timestamp with time zone) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  day timestamp := date_trunc('day', moment AT TIME ZONE 'UTC');
  name text := 'ticks_' || to_char(day, 'YYYYMMDD');
BEGIN
  IF to_regclass('public.' || name) IS NOT NULL THEN
    RETURN;
  END IF;
  LOCK TABLE public.ticks IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass('public.' || name) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE public.%I (LIKE public.ticks INCLUDING ALL)', name);
  EXECUTE format(
    'ALTER TABLE public.ticks ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
    name, day AT TIME ZONE 'UTC', (day + interval '1 day') AT TIME ZONE 'UTC'
  );
END
$$;
--> statement-breakpoint
-- Drops the partitions of days that had ended by then. Dropping locks readers out, so it waits for them a moment only, and leaves
-- what it did not get for the next time.
CREATE FUNCTION ticks_drop_days(ended timestamp with time zone) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '100ms' AS $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'public.ticks'::regclass
      AND relname <= 'ticks_' || to_char(ended AT TIME ZONE 'UTC' - interval '1 day', 'YYYYMMDD')
    ORDER BY relname
  LOOP
    BEGIN
      EXECUTE format('DROP TABLE IF EXISTS public.%I', name);
    EXCEPTION WHEN lock_not_available THEN
      RETURN;
    END;
  END LOOP;
END
$$;
--> statement-breakpoint
-- Every tick moves a candle of each currency, and its rate: with as much room again in each page, no index is written for it.
ALTER TABLE currency_rates SET (fillfactor = 50);
--> statement-breakpoint
CREATE TABLE candles (
  currency integer NOT NULL,
  minutes smallint NOT NULL,
  open_time timestamp (3) with time zone NOT NULL,
  open numeric NOT NULL,
  high numeric NOT NULL,
  low numeric NOT NULL,
  close numeric NOT NULL,
  ticks integer NOT NULL,
  first_seq bigint NOT NULL,
  last_seq bigint NOT NULL,
  CONSTRAINT candles_currency_minutes_open_time_pk PRIMARY KEY (currency, minutes, open_time)
) WITH (fillfactor = 50);
--> statement-breakpoint
-- The ticks of candles from before have no numbers any more: 0 says that they came first, in the order of time.
INSERT INTO candles SELECT currency, 1, open_time, open, high, low, close, ticks, 0, 0 FROM candles_1m;
--> statement-breakpoint
DROP TABLE candles_1m;
--> statement-breakpoint
-- The longer ones of that time, each from the next shorter ones.
DO $$
DECLARE
  lengths integer[] := '{1, 5, 15, 60, 240, 1440}';
BEGIN
  FOR longer IN 2..6 LOOP
    INSERT INTO candles
    SELECT currency, lengths[longer], bucket, (array_agg(open ORDER BY open_time))[1], max(high), min(low),
      (array_agg(close ORDER BY open_time DESC))[1], sum(ticks), 0, 0
    FROM candles, date_bin(make_interval(mins => lengths[longer]), open_time, 'epoch') AS bucket
    WHERE minutes = lengths[longer - 1]
    GROUP BY currency, bucket;
  END LOOP;
END
$$;
--> statement-breakpoint
CREATE INDEX candles_minutes_open_time_index ON candles (minutes, open_time);
--> statement-breakpoint
CREATE TABLE candles_due (
  minutes smallint NOT NULL,
  open_time timestamp (3) with time zone NOT NULL,
  CONSTRAINT candles_due_minutes_open_time_pk PRIMARY KEY (minutes, open_time)
);
