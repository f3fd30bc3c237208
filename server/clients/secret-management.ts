import { CLOCKS_APART_MS } from '../../kit/clocks';
import { conflict, notFound, type Problem } from '../../kit/http/problem';
import { usesSecret } from '../oauth/client';
import type { ManagementStore, NewSecretRow, SecretRow, WholeClient } from './management-store';
import type { SecretView } from './model';
import { formatNews } from './news';
import { hintOf, LIVE_SECRETS_MAX, makeSecret, storedSecret } from './secret-format';
import { isLive, secretView } from './views';

/** What a new secret is given along. */
export interface NewSecret {
  /** What people call it; may be empty. */
  readonly label: string;
  /** Null: it never ends. */
  readonly expiresInSeconds: number | null;
}

/** How the secret is changed over. */
export interface Rotation extends NewSecret {
  /** How long the other secrets go on at most; 0: they end now; null: they stay as they are. */
  readonly overlapSeconds: number | null;
}

/** A secret that was made; it is shown this once. */
export interface MadeSecret {
  readonly clientSecret: string;
  readonly secret: SecretView;
  /** Those that were live until now, each with its end. */
  readonly others: readonly SecretView[];
}

/** The secrets of clients as they are managed. All throw Problem 404 for an unknown client. */
export interface SecretManagement {
  /** Oldest first; ended ones are listed for some days. */
  list(clientId: string): Promise<SecretView[]>;
  /** Makes a new secret at once and ends the others after the overlap. @throws Problem 409 when more than five would be live, or the client has no use for a secret. */
  rotate(clientId: string, rotation: Rotation): Promise<MadeSecret>;
  /** Ends a live secret now, or takes an ended one off the list. @returns which. @throws Problem 404 when there is no such secret, 409 when it is the last live one. */
  revoke(clientId: string, secretId: number): Promise<SecretView>;
}

/** What the management of secrets stands on. */
export interface SecretManagementOptions {
  readonly store: Pick<ManagementStore, 'read' | 'change'>;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  /** To be told of every committed change before it is answered. */
  readonly changed: (change: string) => Promise<void>;
}

/** Ended secrets are kept so that their use can be told from a guess; a client that rotates without pause must not fill the table. */
const ENDED_KEPT_MAX = 20;

/** The secrets of all clients. */
export function createSecretManagement(options: SecretManagementOptions): SecretManagement {
  const { store, now, randomBytes, changed } = options;
  return {
    list: async (clientId) => {
      const whole = await store.read(clientId);
      if (whole === null) throw unknownClient();
      return whole.secrets.map((secret) => secretView(secret, now()));
    },
    rotate: async (clientId, rotation) => {
      const { clientSecret, row } = newSecret(rotation, { now, randomBytes });
      const atMs = now();
      const done = await store.change(clientId, (whole) => rotate(whole, row, rotation.overlapSeconds, atMs));
      const added = done?.after.secrets.at(-1);
      if (done === null || added === undefined) throw unknownClient();
      await changed(formatNews({ kind: 'secrets', clientId }));
      const wereLive = new Set(idsOf(done.before.secrets.filter((secret) => isLive(secret, atMs))));
      const others = done.after.secrets.filter(({ id }) => wereLive.has(id));
      return {
        clientSecret,
        secret: secretView(added, atMs),
        others: others.map((secret) => secretView(secret, atMs)),
      };
    },
    revoke: async (clientId, secretId) => {
      const atMs = now();
      const done = await store.change(clientId, (whole) => revoke(whole, secretId, atMs));
      const whoseId = ({ id }: SecretRow): boolean => id === secretId;
      const revoked = done?.after.secrets.find(whoseId) ?? done?.before.secrets.find(whoseId);
      if (revoked === undefined) throw unknownClient();
      await changed(formatNews({ kind: 'secrets', clientId }));
      return secretView(revoked, atMs);
    },
  };
}

/** A secret and the row that it is stored as. */
export function newSecret(
  { label, expiresInSeconds }: NewSecret,
  { now, randomBytes }: Pick<SecretManagementOptions, 'now' | 'randomBytes'>,
): { clientSecret: string; row: NewSecretRow } {
  const clientSecret = makeSecret('cs', randomBytes);
  const createdAt = new Date(now());
  const expiresAt = expiresInSeconds === null ? null : new Date(now() + expiresInSeconds * 1_000);
  const row = { hash: storedSecret(clientSecret), hint: hintOf(clientSecret), label, createdAt, expiresAt };
  return { clientSecret, row };
}

/** 404 of the administration. */
export function unknownClient(): Problem {
  return notFound('There is no client with this client_id.');
}

function rotate({ client, secrets }: WholeClient, add: NewSecretRow, overlapSeconds: number | null, nowMs: number) {
  if (!usesSecret(client.authMethod)) {
    throw conflict('This client does not authenticate by a secret, so it has none to rotate.');
  }
  const live = secrets.filter((secret) => isLive(secret, nowMs));
  const staying = overlapSeconds === 0 ? 0 : live.length;
  if (staying + 1 > LIVE_SECRETS_MAX) {
    throw conflict(
      `A client has at most ${LIVE_SECRETS_MAX} live secrets; remove one first, or rotate without overlap.`,
    );
  }
  const ended = secrets.filter((secret) => !isLive(secret, nowMs));
  const ending = overlapSeconds === null ? [] : live;
  const at = overlapSeconds ? new Date(nowMs + overlapSeconds * 1_000) : atOnce(nowMs);
  return {
    secrets: {
      add,
      end: { ids: idsOf(ending), at },
      remove: idsOf(ended.slice(0, Math.max(0, ended.length - ENDED_KEPT_MAX))),
    },
  };
}

function revoke({ secrets }: WholeClient, secretId: number, nowMs: number) {
  const secret = secrets.find(({ id }) => id === secretId);
  if (secret === undefined) throw notFound('This client has no such secret.');
  if (!isLive(secret, nowMs)) return { secrets: { add: null, end: null, remove: [secret.id] } };
  if (secrets.filter((one) => isLive(one, nowMs)).length === 1) {
    throw conflict('This is the last live secret of the client; make another one first, or disable the client.');
  }
  return { secrets: { add: null, end: { ids: [secret.id], at: atOnce(nowMs) }, remove: [] } };
}

/** The end of what ends now, by the clock of every server: for one that is behind it would go on otherwise. */
function atOnce(nowMs: number): Date {
  return new Date(nowMs - CLOCKS_APART_MS);
}

function idsOf(secrets: readonly SecretRow[]): number[] {
  return secrets.map(({ id }) => id);
}
