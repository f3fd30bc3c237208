import type { Servers } from '../servers/servers';
import { VaultFault } from '../vault/fault';
import type { Opening } from './opening';
import { inMemory, inVault, type Place } from './place';
import { credentialUnknown } from './problems';
import type { Admission } from './registration';
import { type CredentialSession, createSession, type SessionDeps } from './session';
import { chosenSecret, DEFAULT_NAME, ENVIRONMENT_NAME, PLAIN, type StoredCredential } from './stored';

/** The credentials that are in use, each made when it is first asked for. */
export interface Sessions {
  /** Throws Problem 404, `VaultFault`. */
  get(name: string): CredentialSession;
  /** One of which nothing is kept but in what is given. */
  trial(stored: StoredCredential, vault: SessionDeps['vault']): CredentialSession;
  /** All names there are, whether asked for or not; rows that do not open are not among them. */
  names(): readonly string[];
  /** Ends one; when it is asked for again it is read again. */
  stop(name: string): void;
  /** Takes over what another process has changed. */
  refresh(): void;
  close(): void;
}

/** What {@link createSessions} needs. */
export interface SessionsDeps
  extends Omit<SessionDeps, 'name' | 'origin' | 'place' | 'servers' | 'admission' | 'installation'> {
  readonly serverUrls: readonly string[];
  readonly issuer: string;
  readonly appName: string;
  readonly configured: { readonly clientId: string; readonly clientSecret: string } | null;
  readonly opening: Opening;
  /** What the operator gave to admit registrations. */
  readonly admission: () => Admission;
  /** Servers that stand for each other; the same for the same list and issuer. */
  readonly group: (urls: readonly string[], issuer: string) => Servers;
}

const NOTHING: Admission = { registrationToken: null, adminSecret: null };

/** None is made yet. */
export function createSessions(deps: SessionsDeps): Sessions {
  const { configured, opening, serverUrls, log } = deps;
  const running = new Map<string, { readonly session: CredentialSession; readonly place: Place }>();

  const make = (name: string, place: Place, more: Pick<SessionDeps, 'origin' | 'vault'>): CredentialSession => {
    const { servers: own, issuer } = place.read();
    const urls = own ?? serverUrls;
    // What admits a registration is for the servers that the operator has named, and for no other.
    const isTrusted = urls.every((url) => serverUrls.includes(url));
    const servers = deps.group(urls, issuer ?? (own === null ? deps.issuer : (urls[0] ?? '')));
    return createSession({
      ...deps,
      ...more,
      name,
      place,
      servers,
      admission: isTrusted ? deps.admission : () => NOTHING,
      installation: opening.installation,
      log: log.with({ 'credential.name': name }),
    });
  };
  const placeOf = (name: string): Place | null => {
    if (name !== ENVIRONMENT_NAME || configured === null) return inVault(opening.needed(), name);
    const secrets = [chosenSecret(configured.clientSecret, 0)];
    return inMemory({ ...PLAIN, clientId: configured.clientId, appName: deps.appName, origin: 'configured', secrets });
  };
  const stop = (name: string): void => {
    running.get(name)?.session.close();
    running.delete(name);
  };
  const isSame = (place: Place, name: string): boolean => {
    try {
      return place.refresh();
    } catch (error) {
      if (!(error instanceof VaultFault)) throw error;
      // What was read before still holds.
      log.error('a credential in the vault does not open any more', { 'credential.name': name, error });
      return true;
    }
  };
  return {
    get(name) {
      const known = running.get(name);
      if (known !== undefined) return known.session;
      const place = placeOf(name);
      if (place === null) throw credentialUnknown();
      const origin = name === ENVIRONMENT_NAME ? 'environment' : 'vault';
      const session = make(name, place, { origin, vault: deps.vault });
      running.set(name, { session, place });
      return session;
    },
    trial: (stored, vault) => make(DEFAULT_NAME, inMemory(stored), { origin: 'environment', vault }),
    names() {
      const kept = [...(opening.store()?.all().credentials.keys() ?? [])];
      return configured === null ? kept : [ENVIRONMENT_NAME, ...kept];
    },
    stop,
    refresh() {
      for (const [name, { place }] of [...running]) if (!isSame(place, name)) stop(name);
    },
    close() {
      for (const name of [...running.keys()]) stop(name);
    },
  };
}
