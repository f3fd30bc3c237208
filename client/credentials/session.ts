import type { Log } from '../../kit/logs';
import { type AuthorizedFetch, authorizedFetch, type Tokens } from '../auth/authorized-fetch';
import { clientCredentials } from '../auth/client-credentials';
import { createProver, type Prover } from '../auth/dpop';
import { createServerTime, type ServerTime } from '../auth/server-time';
import type { TokenSource } from '../auth/token';
import { type CachedTokens, cached, type TokenEvent } from '../auth/token-source';
import type { Counts } from '../metrics/counts';
import type { Clock, Fetch, Random, RandomBytes, Schedule } from '../ports';
import { overServers } from '../servers/failover';
import type { Servers } from '../servers/servers';
import { whole } from '../servers/whole';
import type { Vault } from '../vault/vault';
import { enrolled } from './enrolled';
import { enrol } from './enrolment';
import { createKeeper, type Keeper, rotationDueMs } from './keeper';
import { keptToken, type TokenParts } from './kept-token';
import type { Place } from './place';
import type { Lookup } from './private-address';
import { keyHasNoSecret, setInEnvironment } from './problems';
import { createProofs } from './proofs';
import type { Admission, Registered } from './registration';
import { createRotation, mark } from './rotation';
import { secretsApi } from './secrets-api';
import type { StoredCredential } from './stored';
import { tellKeeper, tellLog, tellRegistered } from './telling';
import { type CredentialView, credentialView, iso } from './view';

/** Everything to call with one credential. */
export interface CredentialSession {
  readonly name: string;
  readonly servers: Servers;
  readonly tokens: Tokens & Pick<CachedTokens, 'state'>;
  /** Adds the token to requests for its servers, and chooses the one to ask. Answers have come whole, so this is not for streams. */
  readonly fetch: AuthorizedFetch;
  stored(): StoredCredential;
  view(active: boolean): CredentialView;
  /** Registers it. Rejects with `TokenError`. */
  register(): Promise<Registered>;
  /** Changes its secret now. Rejects with `TokenError`, Problem 409. */
  rotate(): Promise<void>;
  /** Ends what goes on in the background. */
  close(): void;
}

/** What {@link createSession} needs. */
export interface SessionDeps {
  readonly name: string;
  readonly origin: 'environment' | 'vault';
  readonly place: Place;
  readonly servers: Servers;
  readonly vault: () => Pick<Vault, 'read' | 'write'>;
  /** What admits registrations at these servers. */
  readonly admission: () => Admission;
  readonly installation: () => string;
  readonly rotateSecretDays: number | null;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly random: Random;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  readonly lookup: Lookup;
  readonly log: Log;
  readonly count: Counts['add'];
}

/** The tokens of one credential, its registration and its secrets. Nothing is sent before it is asked. */
export function createSession(deps: SessionDeps): CredentialSession {
  const { name, origin, place, servers, clock, log } = deps;
  const { read } = place;
  const { dpopKey, key } = read();
  const time = createServerTime(clock);
  const prover = dpopKey === null ? null : createProver({ ...deps, clock: time, jwk: dpopKey });
  const register = createRegister(deps);
  const rotates = origin === 'vault' && key === null;
  const { tokens, proofs, source } = createTokens({ ...deps, time, prover }, register, () => keeper.start());
  const prove = (secret: string) => proofs.prove(source(secret), tokens.adopt);
  const keeper = createSecrets(deps, prove, rotates);
  if (tokens.state().live !== null) keeper.start();
  const shown: CredentialSession['tokens'] = {
    token: tokens.token,
    renew: tokens.renew,
    state: tokens.state,
    heard: (response, url) => prover?.heard(response, url) ?? false,
    async authorize(headers, request, token) {
      headers.set('authorization', `${token.type} ${token.value}`);
      if (token.type === 'DPoP' && prover !== null) headers.set('dpop', await prover.proof(request, token.value));
    },
  };
  return {
    name,
    servers,
    tokens: shown,
    // An answer that breaks off is asked for elsewhere, where there is an elsewhere.
    fetch: authorizedFetch(servers.urls.length > 1 ? whole(deps.fetch) : deps.fetch, shown, overServers(servers)),
    stored: read,
    register,
    async rotate() {
      if (origin === 'environment') throw setInEnvironment();
      if (!rotates) throw keyHasNoSecret();
      await keeper.rotate();
      log.info('the secret was changed', { 'client.id': read().clientId });
    },
    view: (active) =>
      credentialView({
        name,
        active,
        origin: origin === 'environment' ? origin : read().origin,
        stored: read(),
        servers: servers.urls,
        issuer: servers.issuer,
        tokens: tokens.state(),
        nextRotationAtMs: rotates ? rotationDueMs(read(), deps.rotateSecretDays) : null,
        rotationError: keeper.lastError(),
        nowMs: clock.now(),
      }),
    close() {
      keeper.close();
      tokens.close();
    },
  };
}

function createRegister(deps: SessionDeps): () => Promise<Registered> {
  const { place, log } = deps;
  const onSecretWithheld = () => log.warn(SECRET_WITHHELD);
  const lost = (begunAtMs: number) => log.warn(REGISTRATION_LOST, { 'registration.begun': iso(begunAtMs) });
  return async () => {
    const { registered } = place.read();
    const result = await enrol({ ...deps, ...place, admission: deps.admission(), onSecretWithheld, lost });
    tellRegistered(log, { clientId: place.read().clientId, registered }, result);
    return result;
  };
}

/** The cache of tokens over what asks for them, kept from start to start. */
function createTokens(
  deps: SessionDeps & { readonly time: ServerTime; readonly prover: Prover | null },
  register: () => Promise<Registered>,
  obtained: () => void,
) {
  const { name, origin, servers, clock, time, prover, log } = deps;
  const { read, update } = deps.place;
  const first = read();
  /** Notes of what works are worth less than the token they come with. */
  const note = (change: (kept: StoredCredential) => StoredCredential | null): void => {
    try {
      if (change(read()) !== null) update(change);
    } catch (error) {
      log.warn('the vault cannot be written', { error });
    }
  };
  const proofs = createProofs({
    ...deps,
    clock: time,
    read,
    fresh: () => fresh(deps.place),
    worked: (secret) => note((kept) => mark(kept, secret)),
  });
  const source = (only: string | null): TokenSource =>
    clientCredentials({ ...deps, asked: first, proofs: () => proofs.all(only) });
  const enrolling = {
    clientId: () => read().clientId ?? name,
    registered: first.registered,
    mends: first.key === null,
    enrol: async () => void (await register()),
  };
  const isSelfMade = first.origin === 'self-made' && origin === 'vault';
  const asking = isSelfMade ? enrolled(source(null), enrolling) : source(null);
  const { scope, resource } = first;
  const parts = (proof: TokenParts['proof']): TokenParts => {
    const clientId = read().clientId ?? '';
    return { issuer: servers.issuer, clientId, scope, resource, proof, jkt: prover?.jkt ?? null };
  };
  const onFault = (error: unknown) => log.warn('tokens are not kept between starts', { error });
  const kept = keptToken({ ...deps, now: clock.now, onFault });
  const tell = tellLog(deps, () => read().clientId);
  const heard = (event: TokenEvent): void => {
    tell(event);
    // A token that comes late leaves no trace of a credential that was removed, and none on the one that has its name.
    if (event.kind === 'failed' || !isThere(deps.place)) return;
    // A server gives tokens to clients that it knows, and to nobody else.
    note((stored) => (stored.registered ? null : { ...stored, registered: true }));
    kept.save(parts(proofs.last()), event.token);
    obtained();
  };
  const tokens = cached(asking, { ...deps, heard, kept: kept.load(proofs.kinds().map(parts)) });
  return { tokens, proofs, source };
}

/** What looks after the secrets; where there are none to look after it does nothing. */
function createSecrets(deps: SessionDeps, prove: (secret: string) => Promise<boolean>, rotates: boolean): Keeper {
  const { place, log } = deps;
  const { update } = place;
  const rotation = createRotation({
    ...deps,
    update,
    read: () => fresh(place),
    api: (clientId) => secretsApi({ ...deps, clientId }),
    prove,
    left: () => log.warn('the secret before cannot be told from others at the server, and stays there'),
  });
  const keeper = createKeeper({
    ...deps,
    rotation,
    read: place.read,
    days: deps.rotateSecretDays,
    told: tellKeeper(deps),
  });
  return rotates ? keeper : { ...keeper, start: () => {} };
}

/** As it is kept now: another process may have been at it. */
function fresh(place: Place): StoredCredential {
  isThere(place);
  return place.read();
}

/** False when the credential is gone, or another has its name. */
function isThere({ refresh }: Place): boolean {
  try {
    return refresh();
  } catch {
    // What was read before still holds: a token is not lost for a disk that fails. Who writes next says what is wrong.
    return true;
  }
}

const SECRET_WITHHELD =
  'REGISTRATION_TOKEN and ADMIN_SECRET are not sent over plain http to a public address: use https in CRYPTO_SERVER_URL';

const REGISTRATION_LOST =
  'a registration was begun before and its answer is not known: the server may keep a client of this name that nobody uses, which its administrator can delete';
