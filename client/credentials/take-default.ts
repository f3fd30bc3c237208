import { tooManyCredentials } from './problems';
import { type CredentialStore, ifReadable } from './store';
import { CREDENTIALS_MAX, DEFAULT_NAME, NAME_PATTERN, type StoredCredential, type StoredSecret } from './stored';

/**
 * Puts a credential in the place of who names none, and keeps what would be lost by that: the secret of the same client, until the
 * new one has worked, or a client that was made here, so that nobody else knows its secret.
 * @returns the name that the one of before has now, or null: it needs none. Throws Problem 409.
 */
export function takeDefault(store: CredentialStore, given: StoredCredential): string | null {
  const before = ifReadable(() => store.read(DEFAULT_NAME));
  if (before !== null && before.clientId === given.clientId) {
    const { appName, origin, key } = given;
    store.write(DEFAULT_NAME, { ...before, appName, origin, key, secrets: joined(given.secrets, before.secrets) });
    return null;
  }
  const isOurs = before?.origin === 'self-made' && before.registered;
  const aside = isOurs ? putAside(store, before) : null;
  store.write(DEFAULT_NAME, given);
  return aside;
}

/** Newest first; one that has not worked yet does not drive out the one before. */
function joined(given: readonly StoredSecret[], before: readonly StoredSecret[]): readonly StoredSecret[] {
  const [newest] = given;
  if (newest === undefined || newest.worked) return given;
  const known = before.find(({ value }) => value === newest.value);
  const others = before.filter((one) => one !== known);
  return [known ?? newest, ...others.slice(0, 1)];
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
