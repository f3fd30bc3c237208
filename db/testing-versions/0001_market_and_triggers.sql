-- What crypto-server left that had migrations up to 0001: a client that may, one that is disabled, a tick, a signing key.
truncate market, currency_rates cascade;
insert into clients (id, client_id, app_name, is_active, epoch, scopes, created_at) overriding system value values
  (1, 'early', 'App early', true, 0, '{currency:read}', '2026-01-01T00:00:00Z'),
  (2, 'shut', 'App shut', false, 1, '{currency:read}', '2026-01-01T00:00:00Z');
insert into client_secrets (id, client, hash, created_at) overriding system value values
  (1, 1, '$argon2id$v=19$m=19456,t=2,p=1$hT35miAiY7ChffCZO2fB0KG1+9YyNKKpWn9LBNu9gqI$ViD67PdUKZKG/mouiUzx1NfwSUbQtgcfvUL+r6EADAU', '2026-01-01T00:00:00Z'),
  (2, 2, '$argon2id$v=19$m=19456,t=2,p=1$t05mHjSK/0Dp5tQS7kObfRtKmC8dcKfr19Ms7iADLEA$oS8SUiEH2aB6iW89gC9yqJIinWigrP4mJY+LK8vQcnQ', '2026-01-01T00:00:00Z');
insert into signing_keys (kid, alg, public_jwk, private_key, created_at) values
  ('0LUYy4NSyFBEMzpNcrbacx3JHopCo6_mitCsXlkkqck', 'ES256', '{"x":"rUznF7Dhh4XGjwULgQQJwflsfvs3QzrfFDTjxd5szdk","y":"MYy0oN1J4GJqdm59ao01Clprt0bvj82buERnjI1DMwo","alg":"ES256","crv":"P-256","kid":"0LUYy4NSyFBEMzpNcrbacx3JHopCo6_mitCsXlkkqck","kty":"EC","use":"sig"}', 'v1.8fX04EzfUY3vo6On.QQ3Ktm4W2A_5v_MkIecgbA.1hEuBZpvg5RZjEkjqScpw1XGXQf1NNmf2W-1aVIntca8bh3Ww9eyyg85VhGw5JAy6FPZByayRmximnb7YsuwQAWk8UH8u3fK90jguZh8L5D7PjURaTT_14-U-Bici8QqsnbXoTLXXR2jt1H-0_XfowPj9e_nPff3s6mgXH5vouvblI5So408tu-nFutBTiqAUiFe5S2k_NYlba8xOBPSuN7XeD0zkKCDp29JgtYpLsY', '2026-01-01T00:00:00Z');
insert into market (id, seq, catalogue_version, ticked_at) values
  (1, 1, 1, '2026-01-01T00:00:00Z');
insert into currency_rates (id, symbol, name, rate, anchor_rate, last_updated) overriding system value values
  (1, 'BTC', 'Bitcoin', 44816.21, 45000, '2026-01-01T00:00:00Z'),
  (2, 'ETH', 'Ethereum', 3190.81, 3200, '2026-01-01T00:00:00Z'),
  (3, 'SOL', 'Solana', 144.2897, 144, '2026-01-01T00:00:00Z'),
  (4, 'XRP', 'XRP', 0.5506285, 0.55, '2026-01-01T00:00:00Z'),
  (5, 'ADA', 'Cardano', 0.5005332, 0.5, '2026-01-01T00:00:00Z'),
  (6, 'DOT', 'Polkadot', 7.180464, 7.2, '2026-01-01T00:00:00Z'),
  (7, 'LINK', 'Chainlink', 14.51727, 14.5, '2026-01-01T00:00:00Z'),
  (8, 'LTC', 'Litecoin', 69.78016, 70, '2026-01-01T00:00:00Z'),
  (9, 'BCH', 'Bitcoin Cash', 250.925, 250, '2026-01-01T00:00:00Z'),
  (10, 'XLM', 'Stellar', 0.1194717, 0.12, '2026-01-01T00:00:00Z'),
  (11, 'UNI', 'Uniswap', 6.528068, 6.5, '2026-01-01T00:00:00Z'),
  (12, 'DOGE', 'Dogecoin', 0.07971388, 0.08, '2026-01-01T00:00:00Z'),
  (13, 'AVAX', 'Avalanche', 35.11157, 35, '2026-01-01T00:00:00Z');
insert into candles_1m (currency, open_time, open, high, low, close, ticks) values
  (1, '2026-01-01T00:00:00Z', 45000, 45000, 44816.21, 44816.21, 2),
  (2, '2026-01-01T00:00:00Z', 3200, 3200, 3190.81, 3190.81, 2),
  (3, '2026-01-01T00:00:00Z', 144, 144.2897, 144, 144.2897, 2),
  (4, '2026-01-01T00:00:00Z', 0.55, 0.5506285, 0.55, 0.5506285, 2),
  (5, '2026-01-01T00:00:00Z', 0.5, 0.5005332, 0.5, 0.5005332, 2),
  (6, '2026-01-01T00:00:00Z', 7.2, 7.2, 7.180464, 7.180464, 2),
  (7, '2026-01-01T00:00:00Z', 14.5, 14.51727, 14.5, 14.51727, 2),
  (8, '2026-01-01T00:00:00Z', 70, 70, 69.78016, 69.78016, 2),
  (9, '2026-01-01T00:00:00Z', 250, 250.925, 250, 250.925, 2),
  (10, '2026-01-01T00:00:00Z', 0.12, 0.12, 0.1194717, 0.1194717, 2),
  (11, '2026-01-01T00:00:00Z', 6.5, 6.528068, 6.5, 6.528068, 2),
  (12, '2026-01-01T00:00:00Z', 0.08, 0.08, 0.07971388, 0.07971388, 2),
  (13, '2026-01-01T00:00:00Z', 35, 35.11157, 35, 35.11157, 2);
select setval(pg_get_serial_sequence('client_secrets', 'id'), 2);
select setval(pg_get_serial_sequence('clients', 'id'), 2);
