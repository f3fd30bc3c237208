import { TokenError } from '../auth/token';
import type { Clock, RandomBytes, Schedule } from '../ports';
import { busyRotating } from './problems';
import type { SecretsApi, SeenSecret } from './secrets-api';
import { randomName } from './self-made';
import type { StoredCredential, StoredSecret } from './stored';

/**
 * A rotation that another process has begun is left to it for so long, in milliseconds: longer than the request that
 * makes the secret may take, so that what is left after that was left by a crash.
 */
export const BEGUN_MS = 60_000;

/** Between attempts with a new secret that is refused, in milliseconds: another server may hear of it a moment later. */
export const PROOF_PAUSES_MS = [0, 1_000, 2_000] as const;

/** A new secret that is refused for so long, in milliseconds, is given up, and the one before stays. */
export const PROOF_PATIENCE_MS = 600_000;

/** Of a secret this long or longer the server shows the last characters. */
const HINTED_CHARACTERS_MIN = 24;

/** Changes the secret of one credential, and brings to rest what a crash has left half done. */
export interface Rotation {
  /** Makes a new secret at the server, proves that it works, and ends the one before. Rejects with `TokenError`, Problem 409. */
  rotate(): Promise<void>;
  /** Goes on with a rotation that was left half done; nothing when there is none. Rejects with `TokenError`. */
  settle(): Promise<void>;
  /** Learns from the server when the secret ends, and ends what crashes have left there. Rejects with `TokenError`. @returns false when this server has no such thing. */
  look(): Promise<boolean>;
}

/** What {@link createRotation} needs. */
export interface RotationDeps {
  readonly read: () => StoredCredential;
  /** Changes what is kept; null leaves it. @returns what is kept now, or null when the credential is gone. */
  readonly update: (change: (kept: StoredCredential) => StoredCredential | null) => StoredCredential | null;
  readonly api: (clientId: string) => SecretsApi;
  /** True when the server grants a token for this very secret, false when it refuses it. Rejects with `TokenError`. */
  readonly prove: (secret: string) => Promise<boolean>;
  /** The name of this vault in labels: of the secrets at the server, only those of this vault are ever ended. */
  readonly installation: () => string;
  readonly clock: Pick<Clock, 'now'>;
  readonly randomBytes: RandomBytes;
  readonly schedule: Schedule;
  /** Told when the secret before cannot be told from others at the server, and so stays there. */
  readonly left: () => void;
}

/**
 * The order of writes is what makes it safe against a crash: (1) the label is kept, (2) the server makes the secret,
 * (3) the secret is kept beside the one before, (4) it grants a token, (5) that is kept, (6) the one before is ended,
 * (7) that is kept. Until 5 the secret before works; from 3 on both are known; what 2 made and 3 did not keep is found
 * again by its label and ended.
 */
export function createRotation(deps: RotationDeps): Rotation {
  const { read, update, prove } = deps;
  const steps = createSteps(deps);
  let underWay: Promise<void> | null = null;

  const settle = async (): Promise<void> => {
    if (read().begun !== null) await steps.clean();
    const [newest, ...others] = read().secrets;
    if (newest === undefined || others.length === 0) return;
    if (!newest.worked && !(await proven(newest))) return steps.giveUp(newest);
    await steps.endOthers();
  };
  const proven = async ({ value }: StoredSecret): Promise<boolean> => {
    for (const pauseMs of PROOF_PAUSES_MS) {
      if (pauseMs > 0) await new Promise<void>((resolve) => deps.schedule(pauseMs, resolve));
      if (!(await prove(value))) continue;
      update((kept) => mark(kept, value));
      return true;
    }
    return false;
  };
  const rotate = async (): Promise<void> => {
    await settle();
    await steps.make();
    await settle();
  };
  /** One at a time: whoever asks meanwhile gets what comes of the one under way. */
  const alone = (work: () => Promise<void>): Promise<void> => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  return { rotate: () => alone(rotate), settle: () => alone(settle), look: steps.look };
}

/** The client at its server, shown by the secret that is most likely to work. */
function createCaller({ read, api }: Pick<RotationDeps, 'read' | 'api'>) {
  return () => {
    const { clientId, secrets } = read();
    const by = [...secrets].sort((a, b) => Number(b.worked) - Number(a.worked)).map(({ value }) => value);
    return { api: api(clientId ?? ''), by };
  };
}

function createSteps(deps: RotationDeps) {
  const { read, update, installation, clock, randomBytes } = deps;
  const client = createCaller(deps);
  const prefix = (): string => `crypto-client ${installation()} `;
  const isFresh = (atMs: number): boolean => Math.abs(clock.now() - atMs) < BEGUN_MS;

  /** Ends what was made under a label and never kept. */
  const clean = async (): Promise<void> => {
    const { begun, secrets } = read();
    if (begun === null) return;
    if (isFresh(begun.atMs)) throw busyRotating();
    const { api, by } = client();
    for (const { id, label } of live(await api.list(by))) {
      if (label === begun.label && !secrets.some((secret) => secret.id === id)) await api.end(by, id);
    }
    update((kept) => (kept.begun?.label === begun.label ? { ...kept, begun: null } : null));
  };
  const make = async (): Promise<void> => {
    const { api, by } = client();
    const label = `${prefix()}${randomName(randomBytes)}`;
    update((kept) => {
      if (kept.begun !== null && isFresh(kept.begun.atMs)) throw busyRotating();
      return { ...kept, begun: { label, atMs: clock.now() } };
    });
    const made = await api.make(by, { label, expiresInSeconds: lifeOf(read().secrets[0]) }).catch((error: unknown) => {
      // An answer that says no has made nothing; without an answer nobody knows.
      if (error instanceof TokenError && saysNo(error)) update((kept) => dropLabel(kept, label));
      throw error;
    });
    const fresh: StoredSecret = { ...made, sinceMs: clock.now(), worked: false };
    const kept = update((now) =>
      now.begun?.label === label ? { ...now, begun: null, secrets: [fresh, ...now.secrets] } : null,
    );
    if (kept?.secrets.some(({ id }) => id === made.id)) return;
    // Somebody else has taken the credential away or over meanwhile.
    await api.end(by, made.id);
    throw busyRotating();
  };
  const look = async (): Promise<boolean> => {
    const { api, by } = client();
    const all = await api.list(by);
    if (all === null) return false;
    const seen = live(all);
    const { begun, secrets } = update((kept) => learn(kept, seen)) ?? read();
    for (const { id, label } of seen) {
      const isOrphan = label.startsWith(prefix()) && label !== begun?.label;
      if (isOrphan && !secrets.some((secret) => secret.id === id)) await api.end(by, id);
    }
    return true;
  };
  return { clean, make, look, ...createEnds(deps) };
}

function createEnds(deps: RotationDeps) {
  const { read, update, clock, left } = deps;
  const client = createCaller(deps);
  const giveUp = async (newest: StoredSecret): Promise<void> => {
    if (Math.abs(clock.now() - newest.sinceMs) >= PROOF_PATIENCE_MS) {
      const { api, by } = client();
      if (newest.id !== null) await api.end(by, newest.id);
      update((kept) => ({ ...kept, secrets: kept.secrets.filter(({ value }) => value !== newest.value) }));
    }
    throw new TokenError({ kind: 'not_rotated', status: 401, detail: 'it refuses the secret that it has just made' });
  };
  const endOthers = async (): Promise<void> => {
    const { api, by } = client();
    const [newest, ...others] = read().secrets;
    if (newest === undefined) return;
    // What its user has put in the place of another ends nothing at the server: other machines may have that one still.
    const isOfRotation = newest.id !== null;
    const seen = isOfRotation ? live(await api.list(by)).filter(({ id }) => id !== newest.id) : [];
    for (const other of isOfRotation ? others : []) {
      const id = other.id ?? idOf(other, seen);
      if (id === null) left();
      else await api.end([newest.value], id);
    }
    const ended = new Set(others.map(({ value }) => value));
    update((kept) => ({
      ...kept,
      secrets: kept.secrets.filter(({ value }) => !ended.has(value)),
      rotatedAtMs: isOfRotation ? clock.now() : kept.rotatedAtMs,
    }));
  };
  return { giveUp, endOthers };
}

function live(seen: readonly SeenSecret[] | null): readonly SeenSecret[] {
  return (seen ?? []).filter(({ isLive }) => isLive);
}

/** 4xx, but for a limit: the server has read what was asked and does not do it. */
function saysNo({ trouble }: TokenError): boolean {
  return trouble.kind === 'refused' || trouble.kind === 'not_rotated';
}

function dropLabel(kept: StoredCredential, label: string): StoredCredential | null {
  return kept.begun?.label === label ? { ...kept, begun: null } : null;
}

/** The same credential with this secret marked as one that works; null when it is already. */
export function mark(kept: StoredCredential, value: string): StoredCredential | null {
  if (!kept.secrets.some((secret) => secret.value === value && !secret.worked)) return null;
  const secrets = kept.secrets.map((secret) => (secret.value === value ? { ...secret, worked: true } : secret));
  return { ...kept, secrets };
}

/** Which of the secrets that the server shows this one is: by its last characters, where the server spares some. Null: it cannot be told. */
function idOf({ value }: StoredSecret, seen: readonly SeenSecret[]): number | null {
  const hinted = seen.filter(({ hint }) => hint !== null && value.endsWith(hint));
  const isShort = [...value].length < HINTED_CHARACTERS_MIN;
  const candidates = isShort ? seen.filter(({ hint }) => hint === null) : hinted;
  const [only, ...more] = candidates;
  return only !== undefined && more.length === 0 ? only.id : null;
}

/** What the server tells of the secrets that are kept; null when it is nothing new. */
function learn(kept: StoredCredential, seen: readonly SeenSecret[]): StoredCredential | null {
  const secrets = kept.secrets.map((secret) => {
    const id = secret.id ?? idOf(secret, seen);
    const found = seen.find((one) => one.id === id);
    if (found === undefined) return secret;
    return { ...secret, id: found.id, sinceMs: found.createdAtMs, expiresAtMs: found.expiresAtMs };
  });
  return JSON.stringify(secrets) === JSON.stringify(kept.secrets) ? null : { ...kept, secrets };
}

/** The life of the next secret, in seconds: that of the present one, since its operator wants such secrets to end; null: for ever. */
function lifeOf(secret: StoredSecret | undefined): number | null {
  if (secret === undefined || secret.expiresAtMs === null) return null;
  return Math.max(60, Math.round((secret.expiresAtMs - secret.sinceMs) / 1000));
}
