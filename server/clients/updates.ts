import { usesSecret } from '../oauth/client';
import { invalidMetadata } from '../oauth/errors';
import type { EventDetails } from '../oauth/event';
import { changesBetween } from './changes';
import type { ClientChanges, ManagementStore, NewSecretRow, SecretRow, WholeClient } from './management-store';
import type { ClientView, SecretView } from './model';
import { keptKeys, limitsFault } from './rules';
import { digestSecret, isDigestOf, isStoredMade } from './secret-format';
import { newSecret } from './secret-management';
import {
  type ClientChange,
  checkSettings,
  keptGrants,
  type RegisteredSettings,
  refuse,
  type SettingsOptions,
} from './settings';
import { isLive, secretView } from './views';

/** A client after a change. */
export interface Updated {
  readonly client: ClientView;
  /** What differs now, for the audit trail; null: nothing. */
  readonly changes: EventDetails | null;
  /** Live secrets that it lost, because it no longer authenticates by secrets. */
  readonly revoked: readonly SecretView[];
  /** A secret that it was given, because it needs one and had none; the text is shown this once. */
  readonly made: { readonly clientSecret: string; readonly secret: SecretView } | null;
}

/** Changes of what clients are set to. What was changed is in force here when it resolves. */
export interface Updates {
  /** A client that no longer authenticates by secrets loses them. @throws Problem 404; 422 when the settings do not go together. */
  update(clientId: string, change: ClientChange): Promise<Updated>;
  /**
   * Full replacement by the client itself (RFC 7592 §2.2), which may bind its tokens and not unbind them. `secret` is the one that
   * it named as its own; null: none. @throws Problem 404; OAuthError invalid_client_metadata when that is no live generated one.
   */
  replace(clientId: string, settings: RegisteredSettings, secret: string | null): Promise<Updated>;
}

/** What changes stand on. */
export interface UpdatesOptions extends SettingsOptions {
  readonly store: Pick<ManagementStore, 'change'>;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly view: (whole: WholeClient) => ClientView;
  /** Has a change heard of before it is answered. @throws Problem 404 when there was no such client. */
  readonly settle: (whole: WholeClient | null) => Promise<ClientView>;
}

/** Changes clients, each in one decision on the row as it is. */
export function createUpdates(options: UpdatesOptions): Updates {
  const { store, now, view, settle } = options;
  const change = async (clientId: string, decide: Decide, clientSecret: string | null = null): Promise<Updated> => {
    const atMs = now();
    const done = await store.change(clientId, (whole) => decide(whole, atMs));
    const client = await settle(done?.after ?? null);
    const [before, after] = [done?.before.secrets ?? [], done?.after.secrets ?? []];
    const missingIn = (others: readonly SecretRow[]) => (secret: SecretRow) =>
      others.every(({ id }) => id !== secret.id);
    const lost = before.filter(missingIn(after)).filter((secret) => isLive(secret, atMs));
    const added = after.find(missingIn(before));
    return {
      client,
      changes: done && (await changesBetween(view(done.before), client)),
      revoked: lost.map((secret) => secretView(secret, atMs)),
      made: added && clientSecret ? { clientSecret, secret: secretView(added, atMs) } : null,
    };
  };
  return {
    update: (clientId, wanted) => change(clientId, (whole) => changed(whole, wanted, null, options)),
    replace: (clientId, settings, secret) => {
      const { clientSecret, row } = newSecret({ label: '', expiresInSeconds: null }, options);
      const decide: Decide = (whole, atMs) => {
        const live = whole.secrets.filter((one) => isLive(one, atMs));
        if (secret !== null && !isAmong(live, secret)) throw notCurrent();
        const needsOne = usesSecret(settings.authMethod) && live.length === 0;
        return changed(whole, keepBound(settings, whole), needsOne ? row : null, options);
      };
      return change(clientId, decide, clientSecret);
    },
  };
}

type Decide = (whole: WholeClient, atMs: number) => ReturnType<typeof changed>;

function changed(
  { client, secrets }: WholeClient,
  change: ClientChange,
  add: NewSecretRow | null,
  given: SettingsOptions,
) {
  const { grants, limits, ...same } = change;
  const after = { ...client, ...same };
  const { api = client.limitApi, token = client.limitToken } = limits ?? {};
  refuse(limitsFault({ api, token }));
  checkSettings(after, client, given);
  const set: ClientChanges = {
    ...same,
    ...(same.jwks ? { jwks: keptKeys(same.jwks) } : {}),
    ...(grants ? { grants: keptGrants(grants, given) } : {}),
    ...(limits ? { limitApi: api, limitToken: token } : {}),
  };
  const useless = usesSecret(after.authMethod) ? [] : secrets.map(({ id }) => id);
  return { set, secrets: { add, end: null, remove: useless } };
}

/** A client may bind its tokens (RFC 9449 §5.2, RFC 8705 §3.4); that they are unbound again is for the administrator to say. */
function keepBound(settings: RegisteredSettings, { client }: WholeClient): RegisteredSettings {
  const { dpopBound, certificateBound } = settings;
  return {
    ...settings,
    dpopBound: dpopBound || client.dpopBound,
    certificateBound: certificateBound || client.certificateBound,
  };
}

/** Compares digests only: nobody but clients with generated secrets has a registration access token, and a slow hash here would be one that no limit of failures stands before. */
function isAmong(secrets: readonly SecretRow[], secret: string): boolean {
  const digest = digestSecret(secret);
  return secrets.filter(({ hash }) => isStoredMade(hash) && isDigestOf(hash, digest)).length > 0;
}

function notCurrent(): Error {
  return invalidMetadata('client_secret must be a current one of the client, or be left out');
}
