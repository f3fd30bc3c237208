/** Whose tokens these are: the active credential, its registration and its token cache. Apart from auth/, which knows the protocol but keeps nothing. */
import type { Log } from '../../kit/logs';
import { clientCredentials } from '../auth/client-credentials';
import { discovery } from '../auth/discovery';
import type { AccessToken, TokenSource } from '../auth/token';
import { type CachedTokens, cached, type TokenEvent, type TokenState } from '../auth/token-source';
import type { Clock, Deadline, Fetch, Random, RandomBytes, Schedule } from '../ports';
import { enrolled } from './enrolled';
import type { Lookup } from './private-address';
import { type Registered, register } from './registration';
import { makeCredential } from './self-made';
import type { CredentialStore, StoredCredential } from './store';

/** The credential in use and where it came from: given at start, kept in the vault by its user, or made here. */
export type CredentialOrigin = 'environment' | StoredCredential['origin'];

/** Name of the active credential for people; never its secret. */
export interface ActiveCredential {
  readonly clientId: string;
  readonly appName: string;
  readonly origin: CredentialOrigin;
  readonly registered: boolean;
}

/** A credential that somebody hands to the client. */
export interface GivenCredential {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly appName: string | null;
  /** Kept in memory for registrations of this process, never stored. Null leaves what was there. */
  readonly adminSecret: string | null;
}

/** The active credential and its tokens. */
export interface Account {
  active(): ActiveCredential;
  state(): TokenState;
  /** A token of the active credential. Rejects with `TokenError`. */
  token(): Promise<AccessToken>;
  /** As {@link CachedTokens}. */
  renew(rejected: string): Promise<AccessToken>;
  /** Registers the active credential. Rejects with `TokenError`. */
  register(): Promise<Registered>;
  /** True when `CLIENT_ID` and `CLIENT_SECRET` are set: the next start uses them, whatever the vault holds. */
  readonly pinned: boolean;
  /** Makes this the active credential and keeps it in the vault. */
  configure(given: GivenCredential): void;
  /** The same, once it has obtained a token; else everything stays as it was. Rejects with `TokenError`. */
  signIn(given: GivenCredential): Promise<AccessToken>;
  close(): void;
}

/** What {@link createAccount} needs. */
export interface AccountDeps {
  readonly serverUrl: string;
  readonly issuer: string;
  readonly appName: string;
  /** `CLIENT_ID` and `CLIENT_SECRET`, or null. */
  readonly configured: { readonly clientId: string; readonly clientSecret: string } | null;
  readonly adminSecret: string | null;
  readonly vault: CredentialStore;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  readonly lookup: Lookup;
  readonly log: Log;
}

interface Member {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly appName: string;
  readonly origin: CredentialOrigin;
}

interface Session {
  readonly member: Member;
  readonly tokens: CachedTokens;
  registered: boolean;
}

/** Starts with the configured credential, else with the one in the vault, else with a new one. Throws `VaultFault`. */
export function createAccount(deps: AccountDeps): Account {
  const { vault, log } = deps;
  const endpoint = discovery(deps);
  let adminSecret = deps.adminSecret;

  const enrol = async (session: Session): Promise<Registered> => {
    const onSecretWithheld = () => log.warn(SECRET_WITHHELD);
    const result = await register(session.member, adminSecret, { ...deps, onSecretWithheld });
    tellRegistered(log, session, result);
    session.registered = true;
    if (session.member.origin !== 'environment') vault.markRegistered(session.member.clientId);
    return result;
  };
  const open = (member: Member, registered: boolean): Session => {
    const direct = clientCredentials({ ...deps, endpoint, credential: member });
    const source: TokenSource =
      member.origin === 'self-made'
        ? enrolled(direct, { clientId: member.clientId, registered, enrol: async () => void (await enrol(session)) })
        : direct;
    const tell = tellLog(log.with({ 'client.id': member.clientId }));
    const heard = (event: TokenEvent): void => {
      // A server gives tokens to clients that it knows, and to nobody else.
      if (event.kind === 'obtained') session.registered = true;
      tell(event);
    };
    const session: Session = { member, tokens: cached(source, { ...deps, heard }), registered };
    return session;
  };

  const first = firstMember(deps);
  let current = open(first.member, first.registered);
  const adopt = (next: Session): void => {
    current.tokens.close();
    current = next;
  };
  const keep = ({ member, registered }: Session): void => vault.write({ ...member, origin: 'configured', registered });
  const openGiven = (given: GivenCredential): Session => {
    const { clientId, clientSecret } = given;
    const member: Member = { clientId, clientSecret, appName: given.appName ?? deps.appName, origin: 'configured' };
    return open(member, false);
  };
  const take = (given: GivenCredential, session: Session): void => {
    keep(session);
    adminSecret = given.adminSecret ?? adminSecret;
    adopt(session);
  };

  return {
    active() {
      const { clientId, appName, origin } = current.member;
      return { clientId, appName, origin, registered: current.registered };
    },
    state: () => current.tokens.state(),
    token: () => current.tokens.token(),
    renew: (rejected) => current.tokens.renew(rejected),
    register: () => enrol(current),
    pinned: deps.configured !== null,
    configure: (given) => take(given, openGiven(given)),
    async signIn(given) {
      const session = openGiven(given);
      try {
        const token = await session.tokens.token();
        take(given, session);
        return token;
      } catch (error) {
        session.tokens.close();
        throw error;
      }
    },
    close: () => current.tokens.close(),
  };
}

const SECRET_WITHHELD = 'ADMIN_SECRET is not sent over plain http to a public address: use https in CRYPTO_SERVER_URL';

function firstMember({ configured, appName, vault, randomBytes, log }: AccountDeps): {
  readonly member: Member;
  readonly registered: boolean;
} {
  if (configured !== null) return { member: { ...configured, appName, origin: 'environment' }, registered: false };
  const make = (): StoredCredential => {
    const made = makeCredential(appName, randomBytes);
    log.info('made a credential of its own', { 'client.id': made.clientId });
    return made;
  };
  // Stored before it is registered: whatever happens in between, the next start goes on with the same one.
  const { registered, ...member } = vault.readOrCreate(make);
  return { member, registered };
}

function tellRegistered(log: Log, { member, registered }: Session, { existing }: Registered): void {
  // What this client knew already is no news; the server may refuse it all the same.
  if (existing && registered) return;
  log.info(existing ? 'registered before' : 'registered', { 'client.id': member.clientId });
}

function tellLog(log: Log): (event: TokenEvent) => void {
  return (event) => {
    if (event.kind === 'obtained') {
      const { expiresAtMs } = event.token;
      log.info('token obtained', { 'token.expires': iso(expiresAtMs), 'token.renewal': iso(event.renewAtMs) });
      return;
    }
    const { error, nextAttemptAtMs, serving } = event;
    const details = { 'event.reason': error.trouble.kind, 'next.attempt': iso(nextAttemptAtMs) };
    if (error.cause !== undefined) log.error('obtaining a token failed', { ...details, error: error.cause });
    else if (serving) log.warn(`the token is not renewed yet and still serves: ${error.message}`, details);
    // Whoever needed the token says so in words of its own.
    else log.debug(`no token: ${error.message}`, details);
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
