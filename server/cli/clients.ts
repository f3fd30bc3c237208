import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { type AdminApi, type CliProcess, openApi } from './api';
import { sure } from './confirm';
import { seconds, wrongValue } from './duration';
import { clean, json, moment, pairs, table } from './text';

interface Secret {
  readonly id: number;
  readonly label: string;
  readonly hint: string | null;
  readonly kind: string;
  readonly state: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

interface Client {
  readonly client_id: string;
  readonly app_name: string;
  readonly is_active: boolean;
  readonly auth_method: string;
  readonly grants: Readonly<Record<string, readonly string[]>>;
  readonly dpop_bound: boolean;
  readonly certificate_bound: boolean;
  readonly limits: { readonly api: string | null; readonly token: string | null };
  readonly tokens_issued: number;
  readonly last_used_at: string | null;
  readonly created_at: string;
  readonly secrets: readonly Secret[];
}

interface CreateFlags {
  readonly name: string;
  readonly id?: string;
  readonly scope?: readonly string[];
  readonly resource?: string;
  readonly authMethod?: string;
  readonly jwksUri?: string;
  readonly jwksFile?: string;
  readonly expiresIn?: number;
  readonly json?: true;
}

const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
];

/** `clients …`: who may ask for tokens. */
export function clientCommands(program: Command, process: CliProcess): void {
  const { write } = process;
  const clients = program.command('clients').description('manage the clients of the running server');
  clients
    .command('list')
    .description('list clients')
    .option('--search <text>', 'only those whose id or name holds this')
    .option('--json', 'print JSON')
    .action(async ({ search, json: asJson }: { search?: string; json?: true }) => {
      const found = await openApi(process).all<Client>('/clients', { search });
      write.out(asJson ? json(found) : listing(found));
    });
  clients
    .command('show')
    .description('show one client')
    .argument('<id>', 'its client id')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: true }) => {
      const client = await openApi(process).ask<Client>('GET', pathOf(id));
      write.out(flags.json ? json(client) : description(client));
    });
  createCommand(clients, process);
  standing(clients, process, 'disable', 'disable a client: its tokens are dead at once');
  standing(clients, process, 'enable', 'enable a client again');
  clients
    .command('delete')
    .description('delete a client for ever')
    .argument('<id>', 'its client id')
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: { yes?: true }) => {
      const api = openApi(process);
      await sure(process, yes, `Delete the client ${clean(id)} for ever?`);
      await api.ask('DELETE', pathOf(id));
      write.out(`${clean(id, 128)} is deleted\n`);
    });
  rotateCommand(clients, process);
}

function createCommand(clients: Command, process: CliProcess): void {
  clients
    .command('create')
    .description('make a client; its secret is printed once')
    .requiredOption('--name <text>', 'a name for people')
    .option('--id <id>', 'its client id; one is made when left out')
    .option('--scope <scope...>', 'what it may do (default: read the rates)')
    .option('--resource <uri>', 'where the scopes hold: an absolute URI, or a path of this server (default: the rates)')
    .addOption(new Option('--auth-method <method>', 'how it authenticates').choices(AUTH_METHODS))
    .option('--jwks-uri <url>', 'where its public keys are')
    .option('--jwks-file <file>', 'a file with its public keys (a JSON Web Key Set)')
    .option('--expires-in <time>', 'when its secret ends, such as 90d (default: never)', seconds('--expires-in'))
    .option('--json', 'print JSON')
    .action(async (flags: CreateFlags) => {
      const api = openApi(process);
      const created = await api.ask<Created>('POST', '/clients', await newClient(api, flags));
      printSecret(process, created.client.client_id, created.client_secret, flags.json ? created : null);
    });
}

interface Created {
  readonly client: Client;
  readonly client_secret: string | null;
}

function rotateCommand(clients: Command, process: CliProcess): void {
  clients
    .command('rotate-secret')
    .description('make a new secret of a client; the others end after the overlap')
    .argument('<id>', 'its client id')
    .option('--overlap <time>', 'how long the others go on, such as 24h; 0: they end now', seconds('--overlap'), 86_400)
    .option('--expires-in <time>', 'when the new one ends, such as 90d (default: never)', seconds('--expires-in'))
    .option('--label <text>', 'what people call the new one')
    .option('--json', 'print JSON')
    .action(async (id: string, { overlap, expiresIn, label, json: asJson }: RotateFlags) => {
      const body = {
        overlap_seconds: overlap,
        ...(expiresIn === undefined ? {} : { expires_in_seconds: expiresIn }),
        ...(label === undefined ? {} : { label }),
      };
      const made = await openApi(process).ask<{ client_secret: string }>('POST', `${pathOf(id)}/secrets`, body);
      printSecret(process, id, made.client_secret, asJson ? made : null);
    });
}

interface RotateFlags {
  readonly overlap: number;
  readonly expiresIn?: number;
  readonly label?: string;
  readonly json?: true;
}

function standing(clients: Command, process: CliProcess, name: 'disable' | 'enable', about: string): void {
  clients
    .command(name)
    .description(about)
    .argument('<id>', 'its client id')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: true }) => {
      const client = await openApi(process).ask<Client>('POST', `${pathOf(id)}/${name}`);
      process.write.out(flags.json ? json(client) : `${clean(client.client_id, 128)} is ${name}d\n`);
    });
}

async function newClient(api: AdminApi, flags: CreateFlags): Promise<Record<string, unknown>> {
  const { name, id, scope, resource, authMethod, jwksUri, jwksFile, expiresIn } = flags;
  if (resource !== undefined && scope === undefined) throw wrongValue('--resource needs --scope');
  return {
    app_name: name,
    ...(id === undefined ? {} : { client_id: id }),
    ...(authMethod === undefined ? {} : { auth_method: authMethod }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(jwksFile === undefined ? {} : { jwks: readKeys(jwksFile) }),
    ...(scope === undefined ? {} : { grants: { [await resourceOf(api, resource)]: scope } }),
    ...(expiresIn === undefined ? {} : { secret: { expires_in_seconds: expiresIn } }),
  };
}

async function resourceOf(api: AdminApi, resource = '/api/currency'): Promise<string> {
  return resource.startsWith('/') ? `${await api.issuer()}${resource}` : resource;
}

function readKeys(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Refusal('The file given by --jwks-file cannot be read, or is no JSON.');
  }
}

/** The secret alone is the result; what must be said about it goes elsewhere, so that a script can take the one. */
function printSecret({ write }: CliProcess, id: string, secret: string | null, whole: unknown): void {
  if (secret !== null) write.err('Keep the secret now: it is shown this once, and cannot be read again.\n');
  write.out(
    whole === null
      ? pairs([
          ['client_id', id],
          ['client_secret', secret],
        ])
      : json(whole),
  );
}

function pathOf(id: string): string {
  return `/clients/${encodeURIComponent(id)}`;
}

function listing(clients: readonly Client[]): string {
  const rows = clients.map((client) => [
    client.client_id,
    client.app_name,
    client.is_active ? 'active' : 'disabled',
    secretsOf(client),
    moment(client.last_used_at),
    String(client.tokens_issued),
  ]);
  return table(['CLIENT ID', 'NAME', 'STATE', 'SECRETS', 'LAST USED', 'TOKENS'], rows);
}

function secretsOf({ secrets, auth_method }: Client): string {
  if (secrets.length === 0) return auth_method;
  const count = (state: string): number => secrets.filter((secret) => secret.state === state).length;
  const live = count('live') + count('ending');
  return count('ending') === 0 ? `${live} live` : `${live} live, ${count('ending')} ending soon`;
}

function description(client: Client): string {
  const bound = [client.dpop_bound ? 'DPoP' : '', client.certificate_bound ? 'certificate' : ''].filter(Boolean);
  const grants = Object.entries(client.grants).map(([resource, scopes]): [string, string] => [
    'grant',
    `${resource}: ${scopes.join(' ')}`,
  ]);
  const facts = pairs([
    ['client id', client.client_id],
    ['name', client.app_name],
    ['state', client.is_active ? 'active' : 'disabled'],
    ['authentication', client.auth_method],
    ['bound to', bound.length === 0 ? null : bound.join(', ')],
    ...grants,
    ['api limit', client.limits.api],
    ['token limit', client.limits.token],
    ['tokens issued', String(client.tokens_issued)],
    ['last used', moment(client.last_used_at)],
    ['created', moment(client.created_at)],
  ]);
  if (client.secrets.length === 0) return facts;
  const rows = client.secrets.map((secret) => [
    String(secret.id),
    secret.label || '–',
    secret.hint === null ? secret.kind : `${secret.kind} …${secret.hint}`,
    secret.state,
    moment(secret.created_at),
    moment(secret.expires_at),
    moment(secret.last_used_at),
  ]);
  return `${facts}\n${table(['SECRET', 'LABEL', 'KIND', 'STATE', 'CREATED', 'ENDS', 'LAST USED'], rows)}`;
}
