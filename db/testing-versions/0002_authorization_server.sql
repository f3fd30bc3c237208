-- What crypto-server left that had migrations up to 0002: clients with a chosen secret and with a generated one, one that is disabled
-- and one that was deleted, a tick, signing keys and shared secrets, and the audit trail of all that.
truncate market, currency_rates, resources, audit_chain cascade;
insert into clients (id, client_id, app_name, is_active, epoch, created_at, auth_method, grants, jwks, jwks_uri, tls_subject, dpop_bound, certificate_bound, limit_api, limit_token, metadata, registration_token_hash, tokens_issued, last_used_at) overriding system value values
  (1, 'early', 'App early', true, 0, '2026-01-01T00:00:00Z', 'client_secret_basic', '{"/api/currency":["currency:read"]}', null, null, null, false, false, null, null, '{}', null, 0, null),
  (2, 'shut', 'App shut', false, 1, '2026-01-01T00:00:00Z', 'client_secret_basic', '{"/api/currency":["currency:read"]}', null, null, null, false, false, null, null, '{}', null, 0, null),
  (3, '8307bbbc-c189-4997-9528-bdae7339eda4', 'Generated', true, 0, '2026-01-01T00:00:00Z', 'client_secret_basic', '{"/api/currency":["currency:read"]}', null, null, null, false, false, null, null, '{}', 'sha256:vF0rgychIrbBp3IW0_V1Cb2Q3FPi1Yiy7VYeSyITYXQ', 0, null);
insert into client_secrets (id, client, hash, created_at, label, hint, expires_at, warned_at, last_used_at) overriding system value values
  (1, 1, '$argon2id$v=19$m=19456,t=2,p=1$a0FhoVP+xgXSiDNb4kJfiW89uoExjJ4WN8l7GiDeiSU$N/7M1Rfa4TsfPzudQo/zfUY9LuuEs1LMDZ7hKRM6GTw', '2026-01-01T00:00:00Z', '', null, null, null, null),
  (2, 2, '$argon2id$v=19$m=19456,t=2,p=1$5IrHDNeSuzHEtM9cEUOy9dylHZRiONKitmq2U5kvvuQ$YSWM0VQKemjem+9b5wrX9AnFYcfdH0UAjkMovQFwtig', '2026-01-01T00:00:00Z', '', null, null, null, null),
  (3, 3, 'sha256:8mXSUxW1RbckqcMefbhUp70hBXIcK1NsG-3VjzVtXcA', '2026-01-01T00:00:00Z', '', 'Vm7F', null, null, null);
insert into deleted_clients (client_id, deleted_at) values
  ('gone', '2026-01-01T00:00:00Z');
insert into signing_keys (kid, alg, public_jwk, private_key, created_at, active_from, retired_at, revoked_at) values
  ('maQj7xTgDLyhIwrxHzkCU-r2XYHRREQV0OVha1oLwpw', 'ES256', '{"x":"H7Jnw2OmESnKFk3FRmQ_HB7bD0FPA7kzb5KM9BqI0EU","y":"b1hzV6MJmLM4rBsrmAyOp6yzzmcRKKBYZOuLffJssIc","alg":"ES256","crv":"P-256","kid":"maQj7xTgDLyhIwrxHzkCU-r2XYHRREQV0OVha1oLwpw","kty":"EC","use":"sig"}', 'v1.IUeRWmiueQJVAQON.JJMarCgCHELXeAgM4DNrfQ.eADDUaOZLrBYdWpZW3phQy3I4cNJZmW2adPyVqC2OFySIitWbhNarUs5SfUxNlLjlQbkQ1Hh-LlLHYErYrvtEqK77UGp7hBFEZE-jWGUBIIyEYccfFPiZ_xY6uTSBF0rRwR6cr8-JjHHGG8DisyMrRatWPYgzSEOGwq0JkcGwzLdCK4nHpOOa9JzUG3ZodbRrGx16WgpdLOocjSrbeg_I5AydqgWZWfisQ5drZ6hz-4', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2026-01-31T00:00:00Z', null),
  ('l-Rj0hHMsrzSUL4D5jvgF4_tjSu4_jRu6EI8Lwb6aAE', 'ES256', '{"x":"V7l9b-sxbd6JTPJnMM8hUi998j1IYcrmDB-YShTKIWM","y":"gaX7ed54NWQufe9G5uU-eEVEQ4UiDYxjVyJ7FboPMjA","alg":"ES256","crv":"P-256","kid":"l-Rj0hHMsrzSUL4D5jvgF4_tjSu4_jRu6EI8Lwb6aAE","kty":"EC","use":"sig"}', 'v1.dlRKSIqQbtY5qp2V.tYv-XC34ps_J0xTEHFIW-Q.6m4jeQ0HgicfAukEvCAZxFX1pahXI_vnscZTKpROzz2hXp1odJ44AHe_jDBX_8xqjJjmx6pDM0D3zOOi3bA_SNeOAe4F1mKRkQmwB8Uz5yUDALuYUw2pMqR7yWj40IRtQ8ZhBnuJGU4uRb3riewZqQGEuwExAfCW8xaZhuBVa-If-9aeubJQjSfbK4Gcd35x1XEKS4wtE1cjKvJRmrIeIiDU90Q9nMdX0Ym2hnSEsf0', '2026-01-01T00:00:00Z', '2026-01-31T00:00:00Z', null, null);
insert into shared_secrets (name, sealed, created_at) values
  ('audit', 'v1.D0rg3hatPvlfGvu-.1eqIDWFNdhSmnNIPyCAmTA.76zXx86p-Ak9q17CEOnH2HsUnOHK_YvK2cm5cgiEtTqDxY0PO-aVU3fxpA', '2026-01-01T00:00:00Z'),
  ('dpop-nonce', 'v1.jIMAb5_-K4V0vS8a.YUqh6EgD6_Ai_Y5Agj1Z4Q.K5ikrMqdL0GVeARo6XQJnly8ERmF0KLsw5jLnbS0AohcJUX_R4mMbIBgsQ', '2026-01-01T00:00:00Z'),
  ('console', 'v1.c8AzIDLNzkCKly01.yk3h4TSCW09FcExh5p-6GQ.t3UelU0JhcKFgpUt1WiwHHgqwYMwG7MncSgb1mbcHV0-NGPnxzXemsbUaQ', '2026-01-01T00:00:00Z');
insert into resources (id, identifier, name, scopes, introspection_clients, created_at) overriding system value values
  (1, '/api/currency', 'Crypto rates', '{currency:read}', '{}', '2026-01-01T00:00:00Z'),
  (2, '/api/admin', 'Administration', '{admin}', '{}', '2026-01-01T00:00:00Z');
insert into market (id, seq, catalogue_version, ticked_at) values
  (1, 1, 1, '2026-01-01T00:00:00Z');
insert into currency_rates (id, symbol, name, rate, anchor_rate, last_updated, retired_at) overriding system value values
  (1, 'BTC', 'Bitcoin', 44816.21, 45000, '2026-01-01T00:00:00Z', null),
  (2, 'ETH', 'Ethereum', 3190.81, 3200, '2026-01-01T00:00:00Z', null),
  (3, 'SOL', 'Solana', 144.2897, 144, '2026-01-01T00:00:00Z', null),
  (4, 'XRP', 'XRP', 0.5506285, 0.55, '2026-01-01T00:00:00Z', null),
  (5, 'ADA', 'Cardano', 0.5005332, 0.5, '2026-01-01T00:00:00Z', null),
  (6, 'DOT', 'Polkadot', 7.180464, 7.2, '2026-01-01T00:00:00Z', null),
  (7, 'LINK', 'Chainlink', 14.51727, 14.5, '2026-01-01T00:00:00Z', null),
  (8, 'LTC', 'Litecoin', 69.78016, 70, '2026-01-01T00:00:00Z', null),
  (9, 'BCH', 'Bitcoin Cash', 250.925, 250, '2026-01-01T00:00:00Z', null),
  (10, 'XLM', 'Stellar', 0.1194717, 0.12, '2026-01-01T00:00:00Z', null),
  (11, 'UNI', 'Uniswap', 6.528068, 6.5, '2026-01-01T00:00:00Z', null),
  (12, 'DOGE', 'Dogecoin', 0.07971388, 0.08, '2026-01-01T00:00:00Z', null),
  (13, 'AVAX', 'Avalanche', 35.11157, 35, '2026-01-01T00:00:00Z', null);
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
insert into audit_chain (id, pruned_seq, pruned_hash, last_seq, last_hash, mac) values
  (1, 0, '', 10, '5fa70f20af2d802caf2688be18c7572ae7530155d3c02c0f3172a33b1c51ddc3', '7c64336aba6cc7499757da051bc28df29bd9102028b44468c46c77eb7becbecb');
insert into audit_events (seq, at, event, outcome, reason, actor, client_id, address, request_id, count, details, hash) values
  (1, '2026-01-01T00:00:00Z', 'key_created', 'success', null, 'server', null, null, null, 1, '{"alg":"ES256","kid":"maQj7xTgDLyhIwrxHzkCU-r2XYHRREQV0OVha1oLwpw"}', 'e1576c14b1fbb10d90fa2b39164e66cd95c0d55c257351681d884d0747858c40'),
  (2, '2026-01-01T00:00:00Z', 'key_activated', 'success', null, 'server', null, null, null, 1, '{"alg":"ES256","kid":"maQj7xTgDLyhIwrxHzkCU-r2XYHRREQV0OVha1oLwpw"}', '2de2a3ac7d1d7afe85d1928bbbd89079e4a3c51b2f5bc3e706277172ed847c4d'),
  (3, '2026-01-01T00:00:00Z', 'key_created', 'success', null, 'server', null, null, null, 1, '{"alg":"ES256","kid":"l-Rj0hHMsrzSUL4D5jvgF4_tjSu4_jRu6EI8Lwb6aAE"}', '0f63a4bfc1b59c870de57e2444028f0d5f8ccaa82fa239ee3f927cdab3ab477a'),
  (4, '2026-01-01T00:00:00Z', 'client_registered', 'success', null, '', 'early', '127.0.0.1', 'a8b8190beb03-1', 1, '{"auth_method":"client_secret_basic"}', '1115c13a163fecc5bd330dca44e22fc39b3fa0e7383ebbd4f2fb7f6ef6d76f71'),
  (5, '2026-01-01T00:00:00Z', 'client_registered', 'success', null, '', 'shut', '127.0.0.1', 'a8b8190beb03-2', 1, '{"auth_method":"client_secret_basic"}', '4c79d5412817bcdd777c39b78fa93a4c958ccb85544dc8b94a3ce141690b2bbf'),
  (6, '2026-01-01T00:00:00Z', 'client_disabled', 'success', null, 'admin', 'shut', '127.0.0.1', 'a8b8190beb03-4', 1, '{}', 'c7dbeaaf9f2cb57c0fcffd7a405d1c83a74586946d03c5d5d799730a08780edf'),
  (7, '2026-01-01T00:00:00Z', 'client_registered', 'success', null, '', '8307bbbc-c189-4997-9528-bdae7339eda4', '127.0.0.1', 'a8b8190beb03-5', 1, '{"auth_method":"client_secret_basic"}', 'eaba99bc6da68e0038d696bb89787c9de80eec5dcaa3013c8e1cea38c3332157'),
  (8, '2026-01-01T00:00:00Z', 'client_registered', 'success', null, '', 'gone', '127.0.0.1', 'a8b8190beb03-6', 1, '{"auth_method":"client_secret_basic"}', 'ae86d345b190d18430357fa3f3022478e76f879298ff5dd20e18dc366c3fd0c4'),
  (9, '2026-01-01T00:00:00Z', 'client_deleted', 'success', null, 'admin', 'gone', '127.0.0.1', 'a8b8190beb03-7', 1, '{}', 'c9f3d60205fd2d267ba1db20dbad77a5077f8cf9af2920b5b0ca0509ddbdcc8e'),
  (10, '2026-01-01T00:00:00Z', 'client_authentication', 'failure', 'secret_wrong', '', 'early', '127.0.0.1', 'a8b8190beb03-8', 1, '{}', '5fa70f20af2d802caf2688be18c7572ae7530155d3c02c0f3172a33b1c51ddc3');
select setval(pg_get_serial_sequence('client_secrets', 'id'), 4);
select setval(pg_get_serial_sequence('clients', 'id'), 4);
