// Client authentication as one thing: what it asks of its parts, and in which order.
import { describe, expect, test } from 'bun:test';
import { Problem } from '../../kit/http/problem';
import { OAuthError } from '../oauth/errors';
import type { KnownClient } from './proof';
import { type AuthenticationOptions, createAuthentication } from './service';

const ADDRESS = '192.0.2.7';
const CLIENT: KnownClient = {
  clientId: 'c',
  isActive: true,
  authMethod: 'client_secret_basic',
  jwks: null,
  jwksUri: null,
  tlsSubject: null,
};
const ASSERTION = { alg: 'ES256', kid: null, clientId: 'c', jti: 'j', endsAtMs: 0 } as const;
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Parts that say yes to everything and note what they were asked. */
function start(
  client: KnownClient | null,
  parts: Partial<AuthenticationOptions<KnownClient>> = {},
  remembered = false,
) {
  const asked: string[] = [];
  let addresses = 0;
  const authentication = createAuthentication<KnownClient>({
    clients: {
      recall: () => (remembered ? client : null),
      find: async () => {
        asked.push('find');
        return client;
      },
      checkSecret: async (clientId, secret) => {
        asked.push('secret');
        if (client === null || secret !== 'right')
          throw new OAuthError('invalid_client', client === null ? 'client_unknown' : 'secret_wrong', { clientId });
        return { client, secretId: 7 };
      },
      used: () => {},
    },
    assertions: {
      read: () => ASSERTION,
      verify: async (_jwt, _assertion, holder) => {
        asked.push(holder === null ? 'decoy' : 'signature');
        if (holder === null) throw new OAuthError('invalid_client', 'assertion_key_unknown', { clientId: 'c' });
      },
      use: async () => void asked.push('use'),
    },
    certificates: {
      check: async () => void asked.push('certificate'),
      refuse: async () => void asked.push('decoy'),
    },
    failed: {
      check: (clientId) => void asked.push(`check ${clientId}`),
      confirm: (clientId) => void asked.push(`confirm ${clientId}`),
      count: (clientId, address) => void asked.push(`count ${clientId} ${address()}`),
    },
    ...parts,
  });
  const ask = (parameters: Record<string, string>, thumbprint: string | null = null): Promise<unknown> =>
    authentication
      .authenticate({
        authorization: null,
        parameters: new Map(Object.entries(parameters).map(([name, value]) => [name, [value]])),
        certificate: () => (thumbprint === null ? null : { x509: {} as never, thumbprint, chain: [] }),
        address: () => {
          addresses += 1;
          return ADDRESS;
        },
      })
      .catch((error: unknown) => {
        if (error instanceof OAuthError) return error.reason;
        return error instanceof Problem ? error.status : error;
      });
  return { ask, asked, addresses: () => addresses };
}

const SECRET = { client_id: 'c', client_secret: 'right' };
const JWT = { client_assertion_type: TYPE, client_assertion: 'x' };

describe('client authentication', () => {
  test('a secret: the limits are asked first and last, and the address is not worked out', async () => {
    const { ask, asked, addresses } = start(CLIENT);
    expect(await ask(SECRET, 'print')).toEqual({
      client: CLIENT,
      method: 'client_secret_post',
      secretId: 7,
      certificateThumbprint: 'print',
    });
    expect(asked).toEqual(['check c', 'secret', 'confirm c']);
    expect(addresses()).toBe(0);
  });

  test('an assertion: looked up, signature, then noted as used', async () => {
    const { ask, asked } = start({ ...CLIENT, authMethod: 'private_key_jwt' });
    expect(await ask(JWT)).toMatchObject({ method: 'private_key_jwt', secretId: null, certificateThumbprint: null });
    expect(asked).toEqual(['check c', 'find', 'signature', 'use', 'confirm c']);
  });

  test('a client that is remembered is not looked up', async () => {
    const { ask, asked } = start({ ...CLIENT, authMethod: 'private_key_jwt' }, {}, true);
    expect(await ask(JWT)).toMatchObject({ method: 'private_key_jwt' });
    expect(asked).toEqual(['check c', 'signature', 'use', 'confirm c']);
  });

  test('a certificate', async () => {
    for (const authMethod of ['tls_client_auth', 'self_signed_tls_client_auth'] as const) {
      const { ask, asked } = start({ ...CLIENT, authMethod });
      expect(await ask({ client_id: 'c' }, 'print')).toMatchObject({
        method: authMethod,
        certificateThumbprint: 'print',
      });
      expect(asked).toEqual(['check c', 'find', 'certificate', 'confirm c']);
    }
  });

  test('too many failures end it before anything is looked at', async () => {
    for (const parameters of [SECRET, JWT, { client_id: 'c' }]) {
      const counted: string[] = [];
      const { ask, asked } = start(CLIENT, {
        failed: {
          check: () => {
            throw new Problem(429, 'Too Many Requests', 'Later.');
          },
          confirm: (clientId) => void counted.push(clientId),
          count: (clientId) => void counted.push(clientId),
        },
      });
      expect(await ask(parameters, 'print')).toBe(429);
      expect([asked, counted]).toEqual([[], []]);
    }
  });

  test.each([
    ['a wrong secret', CLIENT, { ...SECRET, client_secret: 'wrong' }, 'secret_wrong', `count c ${ADDRESS}`],
    ['an unknown client', null, SECRET, 'client_unknown', `count c ${ADDRESS}`],
    ['an assertion of nobody', null, JWT, 'client_unknown', `count c ${ADDRESS}`],
    ['a certificate of nobody', null, { client_id: 'c' }, 'client_unknown', `count c ${ADDRESS}`],
    ['an assertion of a secret client', CLIENT, JWT, 'auth_method_not_allowed', `count c ${ADDRESS}`],
    ['a certificate of a secret client', CLIENT, { client_id: 'c' }, 'auth_method_not_allowed', `count c ${ADDRESS}`],
    [
      'the right secret of a key client',
      { ...CLIENT, authMethod: 'private_key_jwt' as const },
      SECRET,
      'auth_method_not_allowed',
      `count c ${ADDRESS}`,
    ],
    [
      'a wrong secret of a key client',
      { ...CLIENT, authMethod: 'private_key_jwt' as const },
      { ...SECRET, client_secret: 'wrong' },
      'auth_method_not_allowed',
      `count c ${ADDRESS}`,
    ],
    [
      'a disabled key client',
      { ...CLIENT, authMethod: 'private_key_jwt' as const, isActive: false },
      JWT,
      'client_disabled',
      `count c ${ADDRESS}`,
    ],
    [
      'a name too long to be kept',
      null,
      { client_id: 'x'.repeat(200), client_secret: 'x' },
      'client_unknown',
      `count  ${ADDRESS}`,
    ],
  ])('counted as a failure: %s', async (_name, client, parameters, reason, counted) => {
    for (const remembered of [false, true]) {
      const { ask, asked } = start(client, {}, remembered);
      expect(await ask(parameters as Record<string, string>, 'print')).toBe(reason);
      expect(asked.at(-1)).toBe(counted.replace(`count ${'x'.repeat(200)}`, 'count '));
      expect(asked).not.toContain('use');
      // The same number of queries for each: the time must not tell who is there.
      expect(asked.filter((one) => one === 'find')).toHaveLength(1);
    }
  });

  test('a certificate of nobody, or of a client of another kind, is looked at all the same', async () => {
    for (const client of [null, CLIENT, { ...CLIENT, authMethod: 'private_key_jwt' as const }]) {
      const { ask, asked } = start(client);
      await ask({ client_id: 'c' }, 'print');
      expect(asked).toEqual(['check c', 'find', 'decoy', `count c ${ADDRESS}`]);
    }
  });

  test('keys that cannot be had are counted like a wrong one: those of nobody are, too', async () => {
    const { ask, asked } = start(
      { ...CLIENT, authMethod: 'private_key_jwt' },
      {
        assertions: {
          read: () => ASSERTION,
          verify: () => Promise.reject(new OAuthError('invalid_client', 'jwks_unavailable', { clientId: 'c' })),
          use: () => Promise.resolve(),
        },
      },
    );
    expect(await ask(JWT)).toBe('jwks_unavailable');
    expect(asked).toEqual(['check c', 'find', `count c ${ADDRESS}`]);
  });

  test('what is malformed is not counted', async () => {
    const { ask, asked } = start(CLIENT);
    await ask({ ...SECRET, ...JWT });
    await ask({});
    expect(asked).toEqual([]);
  });
});
