import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import type { CreatedClient, NewClientBody } from '../admin/contract';
import { AUTH_METHODS, type AuthMethod, type TlsSubject } from '../oauth/client';
import { RATES_RESOURCE } from '../oauth/resource';
import { type AdminApi, type CliProcess, openApi } from './api';
import { EXPIRES_IN, seconds, wrongValue } from './duration';
import { printSecret } from './secret';

/** The five names by which a certificate is known (RFC 8705 §2.1.2), by the flag that gives them. */
const TLS_NAMES = {
  tlsSubjectDn: { flag: '--tls-subject-dn', kind: 'tls_client_auth_subject_dn', about: 'its subject (RFC 4514)' },
  tlsSanDns: { flag: '--tls-san-dns', kind: 'tls_client_auth_san_dns', about: 'a DNS name in it' },
  tlsSanUri: { flag: '--tls-san-uri', kind: 'tls_client_auth_san_uri', about: 'a URI in it' },
  tlsSanIp: { flag: '--tls-san-ip', kind: 'tls_client_auth_san_ip', about: 'an IP address in it' },
  tlsSanEmail: { flag: '--tls-san-email', kind: 'tls_client_auth_san_email', about: 'an e-mail address in it' },
} as const satisfies Record<string, { flag: string; kind: TlsSubject['kind']; about: string }>;

interface CreateFlags extends Readonly<Partial<Record<keyof typeof TLS_NAMES, string>>> {
  readonly name: string;
  readonly id?: string;
  readonly scope?: string[];
  readonly resource?: string;
  readonly authMethod?: AuthMethod;
  readonly jwksUri?: string;
  readonly jwksFile?: string;
  readonly dpop?: true;
  readonly certificateBound?: true;
  readonly expiresIn?: number;
  readonly json?: true;
}

/** `clients create`. */
export function createCommand(clients: Command, process: CliProcess): void {
  const command = clients
    .command('create')
    .description('make a client; its secret is printed once')
    .requiredOption('--name <text>', 'a name for people')
    .option('--id <id>', 'its client id; one is made when left out')
    .option('--scope <scope...>', 'what it may do (default: read the rates)')
    .option('--resource <uri>', 'where the scopes hold: an absolute URI, or a path of this server (default: the rates)')
    .addOption(new Option('--auth-method <method>', 'how it authenticates').choices(AUTH_METHODS))
    .option('--jwks-file <file>', 'its public keys: a JSON Web Key Set, or public keys or certificates in PEM')
    .option('--jwks-uri <url>', 'where its public keys are');
  for (const { flag, about } of Object.values(TLS_NAMES))
    command.option(`${flag} <name>`, `its certificate for tls_client_auth: ${about}`);
  command
    .option('--dpop', 'it gets DPoP-bound tokens only')
    .option('--certificate-bound', 'it gets certificate-bound tokens only')
    .option('--expires-in <time>', 'when its secret ends, such as 90d (default: never)', seconds(EXPIRES_IN))
    .option('--json', 'print JSON')
    .action(async (flags: CreateFlags) => {
      checkFlags(flags);
      const api = openApi(process);
      const created = await api.ask<CreatedClient>('POST', '/clients', await newClient(api, flags));
      printSecret(process, created.client.client_id, created.client_secret, flags.json ? created : null);
    });
}

async function newClient(api: AdminApi, flags: CreateFlags): Promise<NewClientBody> {
  const { name, id, scope, resource, authMethod, jwksUri, jwksFile, dpop, certificateBound, expiresIn } = flags;
  const [subject] = tlsNamesIn(flags);
  return {
    app_name: name,
    ...(id === undefined ? {} : { client_id: id }),
    ...(authMethod === undefined ? {} : { auth_method: authMethod }),
    ...(jwksUri === undefined ? {} : { jwks_uri: jwksUri }),
    ...(jwksFile === undefined ? {} : { jwks: readKeys(jwksFile) }),
    ...(subject === undefined ? {} : { tls_subject: { kind: subject.kind, value: subject.value } }),
    ...(dpop ? { dpop_bound: true } : {}),
    ...(certificateBound ? { certificate_bound: true } : {}),
    ...(scope === undefined ? {} : { grants: { [await resourceOf(api, resource)]: scope } }),
    ...(expiresIn === undefined ? {} : { secret: { expires_in_seconds: expiresIn } }),
  };
}

/** What the server would refuse in its own words is refused here in those of the command line. @throws CommanderError */
function checkFlags(flags: CreateFlags): void {
  const { scope, resource, authMethod, jwksUri, jwksFile } = flags;
  if (resource !== undefined && scope === undefined) throw wrongValue('--resource needs --scope');
  const isMissing = jwksUri === undefined && jwksFile === undefined;
  if (isMissing && (authMethod === 'private_key_jwt' || authMethod === 'self_signed_tls_client_auth'))
    throw wrongValue(`${authMethod} needs --jwks-file or --jwks-uri`);
  if (jwksUri !== undefined && jwksFile !== undefined)
    throw wrongValue('--jwks-file and --jwks-uri exclude each other');
  const [name, another] = tlsNamesIn(flags);
  if (authMethod !== 'tls_client_auth') {
    if (name !== undefined) throw wrongValue(`${name.flag} needs --auth-method tls_client_auth`);
  } else if (name === undefined || another !== undefined) {
    const all = Object.values(TLS_NAMES).map(({ flag }) => flag);
    throw wrongValue(`tls_client_auth needs exactly one of ${all.join(', ')}`);
  }
}

function tlsNamesIn(flags: CreateFlags) {
  const names = Object.keys(TLS_NAMES) as (keyof typeof TLS_NAMES)[];
  return names.flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [{ ...TLS_NAMES[name], value }];
  });
}

async function resourceOf(api: AdminApi, resource = RATES_RESOURCE): Promise<string> {
  return resource.startsWith('/') ? `${await api.issuer()}${resource}` : resource;
}

const PEM = /-----BEGIN (PUBLIC KEY|CERTIFICATE)-----[^-]+-----END \1-----/g;

/** Public keys in a file, as the server takes them. A certificate is told whole, so that it alone is taken. @throws Refusal */
function readKeys(file: string): NonNullable<NewClientBody['jwks']> {
  try {
    const text = readFileSync(file, 'utf8');
    const blocks = [...text.matchAll(PEM)];
    if (blocks.length === 0) return JSON.parse(text) as NonNullable<NewClientBody['jwks']>;
    return { keys: blocks.map(([pem, label]) => (label === 'CERTIFICATE' ? certificateJwk(pem) : publicJwk(pem))) };
  } catch {
    throw new Refusal('The file given by --jwks-file cannot be read, or is neither a JSON Web Key Set nor PEM.');
  }
}

function publicJwk(pem: string): Record<string, unknown> {
  return { ...createPublicKey(pem).export({ format: 'jwk' }) };
}

function certificateJwk(pem: string): Record<string, unknown> {
  return { ...publicJwk(pem), x5c: [new X509Certificate(pem).raw.toString('base64')] };
}
