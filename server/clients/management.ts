import { conflict, unprocessable } from '../../kit/http/problem';
import { isClientId, usesSecret } from '../oauth/client';
import type { Reason } from '../oauth/words';
import type { ManagementStore, WholeClient } from './management-store';
import { type ClientView, reservedFault, type SecretView } from './model';
import { formatNews } from './news';
import { keptKeys, limitsFault } from './rules';
import { digestSecret, isDigestOf, makeSecret, storedSecret } from './secret-format';
import { createSecretManagement, newSecret, type SecretManagement, unknownClient } from './secret-management';
import { checkSettings, keptGrants, type NewClient, refuse, type SettingsOptions } from './settings';
import { createUpdates, type Updates } from './updates';
import { clientView, endingAt, secretView } from './views';

/** A client that was made, with what is shown this once. */
export interface Created {
  readonly client: ClientView;
  readonly clientSecret: string | null;
  readonly secret: SecretView | null;
  readonly registrationToken: string | null;
}

/** Clients as the administrator manages them. Who names an unknown client gets Problem 404. What it changed is in force here when it resolves. */
export interface ClientManagement extends Updates {
  /** `registrationToken`: number of the initial access token by which it is registered. @throws Problem 409 when the id is taken or was, 422 when it is reserved or the settings do not go together; RegistrationTokenSpent. */
  create(input: NewClient, registrationToken?: number | null): Promise<Created>;
  /** In the order of their ids. @throws Problem 422 when the cursor is none of ours. */
  list(query: ClientsWanted): Promise<ClientPage>;
  show(clientId: string): Promise<ClientView>;
  /** Disabling ends all its tokens. */
  setActive(clientId: string, active: boolean): Promise<ClientView>;
  /** Ends all its tokens. */
  revokeAll(clientId: string): Promise<ClientView>;
  remove(clientId: string): Promise<void>;
  /** Why this is not the registration access token of the client (RFC 7592 §3), as a reason for the log; null: it is. */
  registrationTokenFault(clientId: string, token: string): Promise<Reason | null>;
  readonly secrets: SecretManagement;
}

/** Which clients are listed; null: any, from the first one on. */
export interface ClientsWanted {
  /** Part of the id or the name, in any letter case. */
  readonly search: string | null;
  /** Disabled, or with a secret that ends within seven days. */
  readonly state: 'disabled' | 'secret_ending' | null;
  readonly cursor: string | null;
  readonly limit: number;
}

/** A page of clients; `nextCursor` is null on the last one. */
export interface ClientPage {
  readonly items: ClientView[];
  readonly nextCursor: string | null;
}

/** What management stands on. */
export interface ManagementOptions extends SettingsOptions {
  readonly store: ManagementStore;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly newId: () => string;
  /** To be told of every committed change before it is answered. */
  readonly changed: (change: string) => Promise<void>;
}

/** The management of all clients. */
export function createManagement(options: ManagementOptions): ClientManagement {
  const { store, issuer, now, changed } = options;
  const view = ({ client, secrets }: WholeClient): ClientView => clientView(client, secrets, issuer, now());
  /** Tells of a change in the words of the database, so that it is in force here before the answer. */
  const settle = async (whole: WholeClient | null): Promise<ClientView> => {
    if (whole === null) throw unknownClient();
    await changed(newsOf(whole));
    return view(whole);
  };
  return {
    ...createUpdates({ ...options, view, settle }),
    create: (input, token = null) => create(input, token, options, view),
    list: async ({ search, state, cursor, limit }) => {
      const found = await store.list({
        search: search === '' ? null : search,
        isActive: state === null ? null : state !== 'disabled',
        secretEnds: state === 'secret_ending' ? endingAt(now()) : null,
        after: cursor === null ? null : readCursor(cursor),
        limit: limit + 1, // one more than asked for tells whether there is a next page
      });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { items: page.map(view), nextCursor: last === undefined ? null : writeCursor(last.client.clientId) };
    },
    show: async (clientId) => {
      const whole = await store.read(clientId);
      if (whole === null) throw unknownClient();
      return view(whole);
    },
    setActive: async (clientId, isActive) => {
      const done = await store.change(clientId, () => ({ set: { isActive } }));
      return settle(done?.after ?? null);
    },
    revokeAll: async (clientId) => settle(await store.raiseEpoch(clientId)),
    remove: async (clientId) => {
      if (!(await store.remove(clientId))) throw unknownClient();
      await changed(formatNews({ kind: 'gone', clientId }));
    },
    registrationTokenFault: async (clientId, token) => {
      const whole = await store.read(clientId);
      const isRight = isDigestOf(whole?.client.registrationTokenHash ?? '', digestSecret(token));
      if (whole === null) return 'client_unknown';
      if (!isRight) return 'registration_token_wrong';
      return whole.client.isActive ? null : 'client_disabled';
    },
    secrets: createSecretManagement(options),
  };
}

async function create(
  input: NewClient,
  token: number | null,
  options: ManagementOptions,
  view: (whole: WholeClient) => ClientView,
): Promise<Created> {
  const { store, now, randomBytes, newId, changed } = options;
  refuse(reservedFault(input.clientId) ?? limitsFault(input.limits));
  checkSettings(input, null, options);
  const made = usesSecret(input.authMethod) ? newSecret(input.secret, options) : null;
  const registrationToken = input.manageable ? makeSecret('rat', randomBytes) : null;
  const { clientId, appName, authMethod, jwksUri, tlsSubject, dpopBound, certificateBound, metadata } = input;
  const row = {
    ...{ appName, authMethod, jwks: keptKeys(input.jwks), jwksUri, tlsSubject, dpopBound, certificateBound, metadata },
    clientId: clientId ?? newId(),
    ...(input.grants === null ? {} : { grants: keptGrants(input.grants, options) }),
    limitApi: input.limits.api,
    limitToken: input.limits.token,
    registrationTokenHash: registrationToken && storedSecret(registrationToken),
    createdAt: new Date(now()),
  };
  const whole = await store.create(row, made?.row ?? null, token === null ? null : { id: token, at: row.createdAt });
  if (whole === null) throw conflict('A client with this client_id exists, or did once.');
  await changed(newsOf(whole));
  const [secret] = whole.secrets;
  return {
    client: view(whole),
    clientSecret: made?.clientSecret ?? null,
    secret: secret === undefined ? null : secretView(secret, now()),
    registrationToken,
  };
}

function newsOf({ client: { clientId, epoch, limitApi } }: WholeClient): string {
  return formatNews({ kind: 'row', clientId, epoch, limitApi });
}

function writeCursor(clientId: string): string {
  return Buffer.from(clientId).toString('base64url');
}

function readCursor(cursor: string): string {
  const clientId = Buffer.from(cursor, 'base64url').toString();
  if (writeCursor(clientId) === cursor && isClientId(clientId)) return clientId;
  throw unprocessable('cursor is not one that this server gave.');
}
