// A database that has the tables of the first version and nothing of it: its rows are kept, and it gets a market.
import { expect, test } from 'bun:test';
import { eq, sql } from 'drizzle-orm';
import { clientSecrets, clients, currencyRates, market, signingKeys } from './schema';
import { eachDatabase } from './testing';
import { goBack } from './testing-versions';

eachDatabase('a database of the first version', (open) => {
  test('keeps its clients with what they may do, their secrets and its keys, and gets a market', async () => {
    const database = await open();
    const { rows, migrate, migrationStatus } = database;
    await goBack(database, '0000_tables');
    await rows.execute(sql`insert into clients (client_id, app_name, is_active, epoch, scopes)
      values ('old', 'Old', false, 3, '{currency:read,admin}')`);
    await rows.execute(sql`insert into client_secrets (client, hash) select id, 'hash' from clients`);
    await rows.execute(
      sql`insert into signing_keys (kid, alg, public_jwk, private_key) values ('k', 'ES256', '{}', 'sealed')`,
    );
    await migrate();
    expect((await migrationStatus()).every(({ applied }) => applied)).toBe(true);
    expect(await rows.select().from(clients)).toMatchObject([
      {
        clientId: 'old',
        appName: 'Old',
        isActive: false,
        epoch: 3,
        grants: { '/api/currency': ['currency:read', 'admin'] },
      },
    ]);
    expect(await rows.select().from(clientSecrets)).toMatchObject([{ hash: 'hash', expiresAt: null }]);
    const [key] = await rows.select().from(signingKeys);
    expect(key).toMatchObject({ kid: 'k', privateKey: 'sealed', revokedAt: null, activeFrom: key?.createdAt });
    expect(await rows.select().from(market)).toMatchObject([{ seq: 0 }]);
    expect(await rows.select().from(currencyRates).where(eq(currencyRates.symbol, 'BTC'))).toMatchObject([
      { rate: '45000', retiredAt: null },
    ]);
  });
});
