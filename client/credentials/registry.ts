/** Whose tokens these are: the credentials, the one in use, and what may be done to them. Apart from auth/, which knows the protocol but keeps nothing. */
import { conflict } from '../../kit/http/problem';
import type { AccessToken } from '../auth/token';
import type { Vault } from '../vault/vault';
import { createChoice } from './choice';
import { storedOf } from './given';
import type { NewCredential } from './model';
import { createOpening } from './opening';
import { credentialUnknown, setInEnvironment, tooManyCredentials } from './problems';
import { makeCredential } from './self-made';
import type { CredentialSession } from './session';
import { createSessions, type SessionsDeps } from './sessions';
import { CREDENTIALS_MAX, chosenSecret, DEFAULT_NAME, ENVIRONMENT_NAME, PLAIN, type StoredCredential } from './stored';
import { takeDefault } from './take-default';
import type { CredentialView } from './view';

/** Id and secret that somebody hands to the client. */
export interface GivenPair {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly appName: string | null;
  /** Kept in memory for registrations of this process, never stored. Null leaves what was there. */
  readonly adminSecret: string | null;
}

/** All credentials of a client. Methods throw Problem 404 for a name that there is not, and `VaultFault` when a row does not open. */
export interface Credentials {
  list(): readonly CredentialView[];
  /** Name of the one that is used when none is named. */
  active(): string;
  /** Everything to call with one credential; null: the active one. */
  get(name: string | null): CredentialSession;
  /** Keeps a new one. Throws Problem 409 when the name is taken, 422. */
  add(given: NewCredential): CredentialView;
  /** Makes it the active one. */
  use(name: string): CredentialView;
  /** Takes it away with its token. Throws Problem 409 for the active one while there are others. */
  remove(name: string): void;
  /** True when `CLIENT_ID` and `CLIENT_SECRET` are set: the next start uses them, whatever the vault holds. */
  readonly pinned: boolean;
  /**
   * Keeps this as the credential `default`, and uses it. For the client that is there already its secret is the newer one: the one
   * before stays until this one has worked. One that this client has made itself, and so nobody else knows, goes on under its id.
   */
  configure(given: GivenPair): void;
  /** The same, once it has obtained a token; else everything stays as it was. Rejects with `TokenError`. */
  signIn(given: GivenPair): Promise<AccessToken>;
  close(): void;
}

/** What {@link createCredentials} needs. */
export interface CredentialsDeps extends Omit<SessionsDeps, 'opening' | 'admission' | 'vault'> {
  readonly adminSecret: string | null;
  readonly registrationToken: string | null;
  /** Opened when it is first needed. */
  readonly vault: () => Vault;
}

/** In use is the credential of the environment, else the one chosen last, else a new one. Nothing is read yet. */
export function createCredentials(deps: CredentialsDeps): Credentials {
  const pinned = deps.configured !== null;
  const opening = createOpening({ ...deps, pinned });
  const choice = createChoice({ opening, pinned, make: () => selfMade(deps) });
  let adminSecret = deps.adminSecret;
  const { registrationToken } = deps;
  const sessions = createSessions({ ...deps, opening, admission: () => ({ adminSecret, registrationToken }) });
  const sync = (): void => {
    if (opening.store() === null || !opening.changedElsewhere()) return;
    choice.refresh();
    sessions.refresh();
  };
  const view = (name: string): CredentialView => sessions.get(name).view(choice.peek() === name);
  const keep = (stored: StoredCredential, secret: string | null): void => {
    const aside = takeDefault(opening.needed(), stored);
    if (aside !== null)
      deps.log.info('the credential of before is kept under another name', { 'credential.name': aside });
    adminSecret = secret ?? adminSecret;
    sessions.stop(DEFAULT_NAME);
    choice.choose(DEFAULT_NAME);
  };
  return {
    pinned,
    active() {
      sync();
      return choice.active();
    },
    get(name) {
      sync();
      return sessions.get(name ?? choice.active());
    },
    list() {
      sync();
      return sessions.names().map(view);
    },
    ...createChanges({ deps, opening, choice, sessions, sync, view }),
    configure: (given) => keep(pairOf(given, deps), given.adminSecret),
    async signIn(given) {
      const vault = deps.vault();
      let saved: string | null = null;
      const write = (_kind: string, _name: string, text: string): void => {
        saved = text;
      };
      const trial = sessions.trial(pairOf(given, deps), () => ({ read: () => null, write }));
      try {
        const token = await trial.tokens.token();
        keep(trial.stored(), given.adminSecret);
        if (saved !== null) vault.write('token', DEFAULT_NAME, saved);
        return token;
      } finally {
        trial.close();
      }
    },
    close: sessions.close,
  };
}

interface ChangesDeps {
  readonly deps: CredentialsDeps;
  readonly opening: ReturnType<typeof createOpening>;
  readonly choice: ReturnType<typeof createChoice>;
  readonly sessions: ReturnType<typeof createSessions>;
  readonly sync: () => void;
  readonly view: (name: string) => CredentialView;
}

function createChanges({
  deps,
  opening,
  choice,
  sessions,
  sync,
  view,
}: ChangesDeps): Pick<Credentials, 'add' | 'use' | 'remove'> {
  const { log, clock } = deps;
  return {
    add(given) {
      const stored = storedOf(given, { ...deps, now: clock.now });
      const store = opening.needed();
      if (store.all().credentials.size >= CREDENTIALS_MAX) throw tooManyCredentials();
      if (!store.add(given.name, stored)) throw conflict('There is a credential of that name already.');
      choice.forget();
      log.info('a credential was added', { 'credential.name': given.name });
      if (given.use === true) choice.choose(given.name);
      return view(given.name);
    },
    use(name) {
      sync();
      sessions.get(name);
      choice.choose(name);
      log.info('another credential is in use', { 'credential.name': name });
      return view(name);
    },
    remove(name) {
      sync();
      if (name === ENVIRONMENT_NAME && deps.configured !== null) throw setInEnvironment();
      const store = opening.needed();
      const { credentials, unreadable } = store.all();
      if (!credentials.has(name) && !unreadable.includes(name)) throw credentialUnknown();
      if (credentials.has(name) && choice.peek() === name && credentials.size > 1)
        throw conflict('This credential is in use: choose another one first.');
      sessions.stop(name);
      store.remove(name);
      choice.forget();
      log.info('a credential was removed', { 'credential.name': name });
    },
  };
}

function selfMade({ appName, randomBytes, clock, log }: CredentialsDeps): StoredCredential {
  const made = makeCredential(appName, randomBytes, clock.now());
  log.info('made a credential of its own', { 'client.id': made.clientId });
  return made;
}

function pairOf({ clientId, clientSecret, appName }: GivenPair, deps: CredentialsDeps): StoredCredential {
  const secrets = [chosenSecret(clientSecret, deps.clock.now())];
  return { ...PLAIN, clientId, appName: appName ?? deps.appName, origin: 'configured', secrets };
}
