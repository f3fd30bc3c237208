import { conflict, unprocessable } from '../../kit/http/problem';
import { isClientId, usesSecret } from '../oauth/client';
import type { EventDetails } from '../oauth/event';
import { resourceIdentifier } from '../oauth/resource';
import { changesBetween } from './changes';
import type { ClientChanges, ManagementStore, NewClientRow, WholeClient } from './management-store';
import { type ClientView, reservedFault, type SecretView } from './model';
import { type ClientKeyring, keyringFault, limitsFault } from './rules';
import { digestSecret, isDigestOf, makeSecret, storedSecret } from './secret-format';
import {
  createSecretManagement,
  type NewSecret,
  newSecret,
  type SecretManagement,
  unknownClient,
} from './secret-management';
import { clientView, secretView } from './views';

/** Resource (absolute URI) → scopes. */
export type GrantsByUri = Readonly<Record<string, readonly string[]>>;

/** Limits of a client's own, such as `100/s`; null: the server's. */
export interface ClientLimits {
  readonly api: string | null;
  readonly token: string | null;
}

/** A client to be. */
export interface NewClient extends ClientKeyring {
  /** Null: one is made. */
  readonly clientId: string | null;
  readonly appName: string;
  /** Null: the rates. */
  readonly grants: GrantsByUri | null;
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  readonly limits: ClientLimits;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Of its first secret, when it authenticates by one. */
  readonly secret: NewSecret;
  /** True: it gets a registration access token (RFC 7592 §3). */
  readonly manageable: boolean;
}

/** A client that was made, with what is shown this once. */
export interface Created {
  readonly client: ClientView;
  readonly clientSecret: string | null;
  readonly secret: SecretView | null;
  readonly registrationToken: string | null;
}

/** What is to be changed; what is left out stays, also of the limits. */
export type ClientChange = Partial<
  Pick<
    NewClient,
    | 'appName'
    | 'authMethod'
    | 'jwks'
    | 'jwksUri'
    | 'tlsSubject'
    | 'grants'
    | 'dpopBound'
    | 'certificateBound'
    | 'metadata'
  > & { readonly limits: Partial<ClientLimits> }
>;

/** A client after a change. */
export interface Updated {
  readonly client: ClientView;
  /** What differs now, for the audit trail; null: nothing. */
  readonly changes: EventDetails | null;
}

/** Clients as the administrator manages them. Who names an unknown client gets Problem 404. What it changed is in force here when it resolves. */
export interface ClientManagement {
  /** @throws Problem 409 when the id is taken or was, 422 when it is reserved or the settings do not go together. */
  create(input: NewClient): Promise<Created>;
  /** In the order of their ids. @throws Problem 422 when the cursor is none of ours. */
  list(query: { search: string | null; cursor: string | null; limit: number }): Promise<ClientPage>;
  show(clientId: string): Promise<ClientView>;
  /** A client that no longer authenticates by secrets loses them. @throws Problem 422 when the settings do not go together. */
  update(clientId: string, change: ClientChange): Promise<Updated>;
  /** Disabling ends all its tokens. */
  setActive(clientId: string, active: boolean): Promise<ClientView>;
  /** Ends all its tokens. */
  revokeAll(clientId: string): Promise<ClientView>;
  remove(clientId: string): Promise<void>;
  /** Why this is not the registration access token of the client (RFC 7592 §3), as a reason for the log; null: it is. */
  registrationTokenFault(clientId: string, token: string): Promise<string | null>;
  readonly secrets: SecretManagement;
}

/** A page of clients; `nextCursor` is null on the last one. */
export interface ClientPage {
  readonly items: ClientView[];
  readonly nextCursor: string | null;
}

/** What management stands on. */
export interface ManagementOptions {
  readonly store: ManagementStore;
  readonly issuer: string;
  readonly now: () => number;
  readonly randomBytes: (n: number) => Buffer;
  readonly newId: () => string;
  /** Resource identifier → scopes. @throws Problem 422 when a resource or a scope is unknown. */
  readonly checkGrants: (grants: Readonly<Record<string, readonly string[]>>) => void;
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
    const { clientId, epoch, limitApi } = whole.client;
    await changed(`${clientId} ${epoch}${limitApi === null ? '' : ` ${limitApi}`}`);
    return view(whole);
  };
  return {
    create: (input) => create(input, options, view),
    list: async ({ search, cursor, limit }) => {
      const after = cursor === null ? null : readCursor(cursor);
      // One more than asked for tells whether there is a next page.
      const found = await store.list({ search: search === '' ? null : search, after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { items: page.map(view), nextCursor: last === undefined ? null : writeCursor(last.client.clientId) };
    },
    show: async (clientId) => {
      const whole = await store.read(clientId);
      if (whole === null) throw unknownClient();
      return view(whole);
    },
    update: async (clientId, change) => {
      const done = await store.change(clientId, (whole) => update(whole, change, options));
      const client = await settle(done?.after ?? null);
      return { client, changes: done && (await changesBetween(view(done.before), client)) };
    },
    setActive: async (clientId, isActive) => {
      const done = await store.change(clientId, () => ({ set: { isActive } }));
      return settle(done?.after ?? null);
    },
    revokeAll: async (clientId) => settle(await store.raiseEpoch(clientId)),
    remove: async (clientId) => {
      if (!(await store.remove(clientId))) throw unknownClient();
      await changed(`${clientId} gone`);
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
  options: ManagementOptions,
  view: (whole: WholeClient) => ClientView,
): Promise<Created> {
  const { store, now, randomBytes, newId, changed } = options;
  refuse(reservedFault(input.clientId) ?? keyringFault(input) ?? limitsFault(input.limits));
  const made = usesSecret(input.authMethod) ? newSecret(input.secret, options) : null;
  const registrationToken = input.manageable ? makeSecret('rat', randomBytes) : null;
  const { clientId, appName, authMethod, jwks, jwksUri, tlsSubject, dpopBound, certificateBound, metadata } = input;
  const row: NewClientRow = {
    ...{ appName, authMethod, jwks, jwksUri, tlsSubject, dpopBound, certificateBound, metadata },
    clientId: clientId ?? newId(),
    ...(input.grants === null ? {} : { grants: inside(input.grants, options) }),
    limitApi: input.limits.api,
    limitToken: input.limits.token,
    registrationTokenHash: registrationToken && storedSecret(registrationToken),
    createdAt: new Date(now()),
  };
  const whole = await store.create(row, made?.row ?? null);
  if (whole === null) throw conflict('A client with this client_id exists, or did once.');
  const { epoch, limitApi } = whole.client;
  await changed(`${whole.client.clientId} ${epoch}${limitApi === null ? '' : ` ${limitApi}`}`);
  const [secret] = whole.secrets;
  return {
    client: view(whole),
    clientSecret: made?.clientSecret ?? null,
    secret: secret === undefined ? null : secretView(secret, now()),
    registrationToken,
  };
}

function update({ client, secrets }: WholeClient, change: ClientChange, options: ManagementOptions) {
  const { grants, limits, ...same } = change;
  const after = { ...client, ...same };
  const { api = client.limitApi, token = client.limitToken } = limits ?? {};
  refuse(keyringFault(after) ?? limitsFault({ api, token }));
  const set: ClientChanges = {
    ...same,
    ...(grants ? { grants: inside(grants, options) } : {}),
    ...(limits ? { limitApi: api, limitToken: token } : {}),
  };
  const useless = usesSecret(after.authMethod) ? [] : secrets.map(({ id }) => id);
  return { set, secrets: { add: null, end: null, remove: useless } };
}

/** Grants as they are kept. @throws Problem 422. */
function inside(grants: GrantsByUri, { issuer, checkGrants }: ManagementOptions) {
  const entries = Object.entries(grants).map(([uri, scopes]) => [
    resourceIdentifier(issuer, uri),
    [...new Set(scopes)],
  ]);
  const kept: Record<string, string[]> = Object.fromEntries(entries);
  checkGrants(kept);
  return kept;
}

/** @throws Problem 422 when something is at fault. */
export function refuse(fault: string | null): void {
  if (fault !== null) throw unprocessable(`${fault}.`);
}

function writeCursor(clientId: string): string {
  return Buffer.from(clientId).toString('base64url');
}

function readCursor(cursor: string): string {
  const clientId = Buffer.from(cursor, 'base64url').toString();
  if (writeCursor(clientId) === cursor && isClientId(clientId)) return clientId;
  throw unprocessable('cursor is not one that this server gave.');
}
