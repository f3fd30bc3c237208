import { type FieldFault, unprocessable } from '../../kit/http/problem';
import { makeSigningKey, readSigningKey, type SigningKey } from '../auth/keys';
import { readIssuer, readServerUrl } from '../config';
import type { RandomBytes } from '../ports';
import type { NewCredential } from './model';
import { makeCredential } from './self-made';
import { chosenSecret, ENVIRONMENT_NAME, PLAIN, type StoredCredential } from './stored';

/** What {@link storedOf} needs. */
export interface GivenDeps {
  /** `APP_NAME`. */
  readonly appName: string;
  readonly randomBytes: RandomBytes;
  readonly now: () => number;
}

/**
 * A credential as somebody gives it, as it is to be kept. Without an id it is self-made: it registers itself when it is
 * first needed. Throws Problem 422 with every fault, and nothing of what was given.
 */
export function storedOf(given: NewCredential, { appName: usual, randomBytes, now }: GivenDeps): StoredCredential {
  const { client_id: clientId = null, client_secret: secret, app_name: appName = usual, dpop = false } = given;
  const method = given.method ?? (given.private_key === undefined ? 'client_secret' : 'private_key_jwt');
  const faults = [...faultsOf(given, method)];
  const servers = readAll(given.servers, faults);
  const issuer = given.issuer === undefined ? null : attempt('/issuer', faults, () => readIssuer(given.issuer ?? ''));
  const key = method === 'private_key_jwt' ? readKey(given, faults) : null;
  if (faults.length > 0) throw unprocessable('The credential is not as it must be.', faults);
  const { scope = null, resource = null } = given;
  const common = { ...PLAIN, appName, servers, issuer, scope, resource, key };
  const dpopKey = dpop ? makeSigningKey().jwk : null;
  if (clientId !== null) {
    const secrets = secret === undefined ? [] : [chosenSecret(secret, now())];
    return { ...common, clientId, origin: 'configured', secrets, dpopKey };
  }
  if (key !== null) return { ...common, clientId: null, origin: 'self-made', dpopKey };
  const { clientId: made, secrets } = makeCredential(appName, randomBytes, now());
  return { ...common, clientId: made, origin: 'self-made', secrets, dpopKey };
}

function* faultsOf(given: NewCredential, method: string): Iterable<FieldFault> {
  const has = (name: keyof NewCredential): boolean => given[name] !== undefined;
  if (given.name === ENVIRONMENT_NAME)
    yield { path: '/name', detail: 'is the name of the credential of CLIENT_ID and CLIENT_SECRET' };
  if (method === 'private_key_jwt') {
    if (has('client_secret')) yield { path: '/client_secret', detail: 'does not go with private_key_jwt' };
    return;
  }
  for (const name of ['private_key', 'alg', 'kid'] as const) {
    if (has(name)) yield { path: `/${name}`, detail: 'goes with private_key_jwt alone' };
  }
  if (has('client_id') && !has('client_secret')) yield { path: '/client_secret', detail: 'is missing' };
  if (has('client_secret') && !has('client_id')) yield { path: '/client_id', detail: 'is missing' };
}

function readKey({ private_key, alg, kid, client_id }: NewCredential, faults: FieldFault[]): SigningKey | null {
  if (private_key !== undefined)
    return attempt('/private_key', faults, () => readSigningKey(private_key, { alg: alg ?? null, kid: kid ?? null }));
  if (client_id === undefined) return makeSigningKey();
  faults.push({ path: '/private_key', detail: 'is missing' });
  return null;
}

function readAll(servers: readonly string[] | undefined, faults: FieldFault[]): readonly string[] | null {
  if (servers === undefined) return null;
  return servers.flatMap((one, index) => attempt(`/servers/${index}`, faults, () => readServerUrl(one)) ?? []);
}

function attempt<T>(path: string, faults: FieldFault[], read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    faults.push({ path, detail: `must be ${error instanceof Error ? error.message : 'another value'}` });
    return null;
  }
}
