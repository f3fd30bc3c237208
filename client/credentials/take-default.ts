import { tooManyCredentials } from './problems';
import { type CredentialStore, ifReadable } from './store';
import { CREDENTIALS_MAX, DEFAULT_NAME, NAME_PATTERN, type StoredCredential, type StoredSecret } from './stored';

/**
 * Puts a credential in the place of who names none, and keeps what would be lost by that: the secret of the same client, until the
 * new one has worked, or a client whose secret was made here, so that nobody else knows it.
 * @returns the name that the one of before has now, or null: it needs none. Throws Problem 409.
 */
export function takeDefault(store: CredentialStore, given: StoredCredential): string | null {
  const before = ifReadable(() => store.read(DEFAULT_NAME));
  if (before !== null && isSameClient(before, given)) {
    const { appName, origin, key } = given;
    store.write(DEFAULT_NAME, { ...before, appName, origin, key, secrets: joined(given.secrets, before.secrets) });
    return null;
  }
  const aside = before !== null && isKnownHereAlone(before) ? putAside(store, before) : null;
  store.write(DEFAULT_NAME, given);
  return aside;
}

/** The same id at other servers is another client, which these must not see the secret of. */
function isSameClient(before: StoredCredential, given: StoredCredential): boolean {
  const partsOf = ({ clientId, servers, issuer }: StoredCredential) => [clientId, servers, issuer];
  return Bun.deepEquals(partsOf(before), partsOf(given));
}

function isKnownHereAlone({ origin, registered, rotatedAtMs, secrets }: StoredCredential): boolean {
  // Two secrets: a rotation under way, whose new secret only this client has.
  return origin === 'self-made' ? registered : rotatedAtMs !== null || secrets.length > 1;
}

/** Newest first; one that has not worked yet does not drive out the one before that has, however often somebody mistypes. */
function joined(given: readonly StoredSecret[], before: readonly StoredSecret[]): readonly StoredSecret[] {
  const [newest] = given;
  if (newest === undefined || newest.worked) return given;
  const known = before.find(({ value }) => value === newest.value);
  if (known?.worked) return [known];
  const others = before.filter((one) => one !== known);
  const best = others.find(({ worked }) => worked) ?? others[0];
  return best === undefined ? [known ?? newest] : [known ?? newest, best];
}

function putAside(store: CredentialStore, credential: StoredCredential): string {
  const { credentials, unreadable } = store.all();
  if (credentials.size >= CREDENTIALS_MAX) throw tooManyCredentials();
  const id = credential.clientId ?? '';
  const base = NAME_PATTERN.test(id) ? id.slice(0, 60) : 'self-made';
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!unreadable.includes(name) && store.add(name, credential)) return name;
  }
}
