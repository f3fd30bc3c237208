import { publicJwk } from '../auth/keys';
import { TokenError } from '../auth/token';
import type { RandomBytes } from '../ports';
import { registeredElsewhere } from './problems';
import { type Registered, type RegistrationDeps, register, registerKey, registerName } from './registration';
import { makeSecret } from './self-made';
import { chosenSecret, type StoredCredential, type StoredSecret } from './stored';

/** What {@link enrol} needs. */
export interface EnrolDeps extends RegistrationDeps {
  readonly read: () => StoredCredential;
  readonly update: (change: (kept: StoredCredential) => StoredCredential | null) => StoredCredential | null;
  readonly randomBytes: RandomBytes;
  /** Told of a registration of before whose answer never came: the server may keep a client of it that nobody uses. */
  readonly lost: (begunAtMs: number) => void;
}

/**
 * Registers a credential: its key when it has one, else id and secret. A secret that the server itself once made cannot be
 * chosen anew, so a server that has forgotten it is given another; it is kept before the server hears of it, and
 * dropped when the server knows the client after all. Where ids cannot be chosen, the server gives id and secret. Rejects with `TokenError`, and with Problem 409 for a key whose client is there already.
 */
export async function enrol(deps: EnrolDeps): Promise<Registered> {
  const { key, origin, registered } = deps.read();
  if (key !== null) return enrolKey(deps);
  try {
    return await enrolPair(deps);
  } catch (error) {
    if (origin === 'self-made' && !registered && isUnknownThere(error)) return enrolName(deps);
    throw error;
  }
}

async function enrolPair(deps: EnrolDeps): Promise<Registered> {
  const { read, update } = deps;
  const { clientId } = read();
  const chosen = read().secrets.find(({ value }) => !value.startsWith('cs_'));
  const candidate = chosen ?? spare(deps);
  const made = chosen === undefined ? candidate : null;
  const applicant = { clientId: clientId ?? '', clientSecret: candidate.value, appName: read().appName };
  const result = await register(applicant, deps);
  update((kept) => ({ ...kept, registered: true, secrets: secretsAfter(kept.secrets, { candidate, made, result }) }));
  return result;
}

async function enrolKey(deps: EnrolDeps): Promise<Registered> {
  const { clientId, key, appName, dpopKey } = deps.read();
  if (key === null) throw new Error('there is no key');
  // Only the server's administrator can give a known client this key.
  if (clientId !== null) throw registeredElsewhere();
  const made = await begun(deps, () => registerKey({ appName, jwk: publicJwk(key), dpop: dpopKey !== null }, deps));
  deps.update((kept) => ({ ...kept, clientId: made.clientId, registered: true, begun: null }));
  return made.registered;
}

/** True for a server that has no registration by id and secret. */
function isUnknownThere(error: unknown): boolean {
  const trouble = error instanceof TokenError ? error.trouble : null;
  return trouble?.kind === 'not_registered' && (trouble.status === 404 || trouble.status === 405);
}

/** An id that the server gives is known only by its answer: that it was asked is kept first, so that a crash is noticed. */
async function begun<T>({ read, update, lost, clock }: EnrolDeps, work: () => Promise<T>): Promise<T> {
  const { begun: before } = read();
  if (before !== null) lost(before.atMs);
  update((kept) => ({ ...kept, begun: { label: 'registration', atMs: clock.now() } }));
  try {
    return await work();
  } catch (error) {
    update((kept) => ({ ...kept, begun: null }));
    throw error;
  }
}

/** Takes the id and the secret that the server gives. */
async function enrolName(deps: EnrolDeps): Promise<Registered> {
  const { appName, dpopKey } = deps.read();
  const made = await begun(deps, () => registerName({ appName, dpop: dpopKey !== null }, deps));
  const { clientId, secret, registered } = made;
  const { value, expiresAtMs } = secret;
  const secrets = [{ ...chosenSecret(value, deps.clock.now()), expiresAtMs }];
  deps.update((kept) => ({ ...kept, clientId, secrets, registered: true, begun: null }));
  return registered;
}

/** A new secret beside those that the server no longer takes. */
function spare({ update, randomBytes, clock }: EnrolDeps): StoredSecret {
  const made = chosenSecret(makeSecret(randomBytes), clock.now());
  update((kept) => ({ ...kept, secrets: [...kept.secrets, made] }));
  return made;
}

function secretsAfter(
  secrets: readonly StoredSecret[],
  { candidate, made, result }: { candidate: StoredSecret; made: StoredSecret | null; result: Registered },
): readonly StoredSecret[] {
  // A server that has just taken this one knows no other.
  if (!result.existing) return secrets.filter(({ value }) => value === candidate.value);
  // One that knows the client has other secrets of it.
  return made === null ? secrets : secrets.filter(({ value }) => value !== made.value);
}
