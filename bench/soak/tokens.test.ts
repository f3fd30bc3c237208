import { describe, expect, test } from 'bun:test';
import { createTokens, type Held } from './tokens';

/** As issued: the key that signed it stands in its header. */
const tokenOf = (kid: string, at: number): string =>
  `${Buffer.from(JSON.stringify({ kid })).toString('base64url')}.${at}`;

describe('the tokens that load is made with', () => {
  const clients = Array.from({ length: 20 }, (_, at) => ({ account: { id: `client-${at}`, secret: '' } }));
  const first = clients.map((client): Held => ({ client, token: tokenOf('a', -1) }));

  test('are renewed for every client, when clients ask in turn', () => {
    const tokens = createTokens(first, 40);
    for (let at = 0; at < 400; at++)
      tokens.issued({ client: clients[at % clients.length] as Held['client'], token: tokenOf('b', at) });
    for (const client of clients) expect(tokens.newestOf(client)).toStartWith(tokenOf('b', 0).split('.')[0] ?? '-');
    const used = Array.from({ length: 40 }, () => tokens.take().token);
    expect(used).not.toContain(tokenOf('a', -1));
    expect(tokens.keys()).toBe(2);
  });

  test('that are to be revoked are used for nothing else', () => {
    const tokens = createTokens(first, 40);
    for (let at = 0; at < 400; at++)
      tokens.issued({ client: clients[at % clients.length] as Held['client'], token: tokenOf('b', at) });
    const used = new Set([...Array(40)].map(() => tokens.take().token));
    const revocable: string[] = [];
    for (let held = tokens.takeRevocable(); held !== undefined; held = tokens.takeRevocable())
      revocable.push(held.token);
    expect(revocable.length).toBe(100);
    expect(revocable.filter((token) => used.has(token))).toEqual([]);
    const [client] = clients as [Held['client']];
    tokens.revoked({ client, token: 'gone' });
    expect(tokens.takeRevoked()?.token).toBe('gone');
    expect(tokens.takeRevoked()).toBeUndefined();
  });
});
