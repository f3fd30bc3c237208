import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { sure } from '../../kit/confirm';
import { usesSettings } from '../../kit/help';
import { json as asJson, clean, moment, table } from '../../kit/text';
import { SIGNING_ALGS } from '../auth/keys';
import type { NewCredential } from '../credentials/model';
import type { Credentials } from '../credentials/registry';
import type { CredentialView } from '../credentials/view';
import { duration } from '../status/duration';
import { readGiven } from './given';
import { type Opened, openedCredentials } from './opened';
import type { Process, ReadFlags } from './process';
import { transferCommands } from './transfer';

/** Flags of `credentials add`; values of secrets come from files or standard input alone. */
export interface AddFlags extends ReadFlags {
  readonly id?: string;
  readonly secretFile?: string;
  readonly keyFile?: string;
  readonly method?: NewCredential['method'];
  readonly alg?: NewCredential['alg'];
  readonly kid?: string;
  readonly server?: readonly string[];
  readonly serverIssuer?: string;
  readonly scope?: string;
  readonly resource?: string;
  readonly dpop?: true;
  readonly use?: true;
}

/** `credentials …`: on the vault, whether a client runs or not; one that runs sees the changes. */
export function credentialCommands(program: Command, process: Process): void {
  const credentials = usesSettings(program.command('credentials'), SETTINGS_USED);
  credentials.description('the credentials in the vault, and the one in use');
  reading(credentials, 'list', 'list the credentials; never a secret').action((flags: ReadFlags) =>
    within(process, ({ credentials }) => {
      const all = credentials.list();
      process.write.out(flags.json ? asJson(all) : listing(all));
    }),
  );
  addCommand(credentials, process);
  one(credentials, 'use', 'use a credential when none is named').action((name: string, flags: ReadFlags) =>
    within(process, ({ credentials }) => tell(process, flags, credentials.use(name), 'is in use')),
  );
  one(credentials, 'rotate', 'change the secret of a credential at the server now').action(
    (name: string, flags: ReadFlags) =>
      within(process, async ({ credentials }) => {
        await credentials.get(name).rotate();
        tell(process, flags, viewOf(credentials, name), 'has another secret');
      }),
  );
  one(credentials, 'remove', 'take a credential away from this client; the server keeps the client')
    .option('--yes', 'do not ask')
    .action(async (name: string, { yes, json }: ReadFlags & { yes?: true }) => {
      await sure(process, yes, `Take ${clean(name)} away? Its secret cannot be had again.`);
      await within(process, ({ credentials }) => credentials.remove(name));
      process.write.out(json ? asJson({ name, removed: true }) : `${clean(name)} is gone\n`);
    });
  transferCommands(credentials, process);
}

/** What these commands act on. */
const SETTINGS_USED = [
  'CRYPTO_SERVER_URL',
  'ISSUER',
  'APP_NAME',
  'DATA_DIR',
  'VAULT_KEY',
  'VAULT_KEY_PREVIOUS',
  'VAULT_PASSPHRASE',
];

function addCommand(credentials: Command, process: Process): void {
  one(credentials, 'add', 'keep a credential; without --id one that makes itself and registers when it is needed')
    .option('--id <client id>', 'its client id; the secret is read from standard input, unless a file is named')
    .option('--secret-file <file>', 'file that holds its secret; - is standard input')
    .option('--key-file <file>', 'file that holds its private key, PEM (PKCS #8) or JWK; - is standard input')
    .addOption(new Option('--method <method>', 'how it authenticates').choices(['client_secret', 'private_key_jwt']))
    .addOption(new Option('--alg <alg>', 'how the key signs').choices(SIGNING_ALGS))
    .option('--kid <id>', 'by what the server knows the key')
    .option('--server <url...>', 'base URLs of its servers; those of CRYPTO_SERVER_URL when left out')
    .option('--server-issuer <url>', "what the servers' metadata must name; the first server when left out")
    .option('--scope <scopes>', 'what to ask for; all that it may have when left out')
    .option('--resource <uri>', 'what the tokens are for (RFC 8707)')
    .option('--dpop', 'bind the tokens to a key that is made for it')
    .option('--use', 'use it when none is named')
    .action(async (name: string, flags: AddFlags) => {
      const given = await readGiven(name, flags, process);
      await within(process, ({ credentials }) => tell(process, flags, credentials.add(given), 'is kept'));
    });
}

function reading(parent: Command, name: string, about: string): Command {
  return parent.command(name).description(about).option('--json', 'print JSON');
}

function one(parent: Command, name: string, about: string): Command {
  return reading(parent, name, about).argument('<name>', 'name of the credential');
}

function within(process: Process, work: (opened: Opened) => void | Promise<void>): Promise<void> {
  return openedCredentials(process, async (opened) => work(opened));
}

function viewOf(credentials: Credentials, name: string): CredentialView {
  const found = credentials.list().find((view) => view.name === name);
  if (found === undefined) throw new Refusal(`There is no credential ${clean(name)}.`);
  return found;
}

function tell({ write }: Process, { json }: ReadFlags, view: CredentialView, said: string): void {
  write.out(json ? asJson(view) : `${view.name} ${said}\n`);
}

function listing(all: readonly CredentialView[]): string {
  if (all.length === 0) return 'There are no credentials yet: the client makes one when it first needs it.\n';
  const headings = ['', 'NAME', 'CLIENT ID', 'METHOD', 'SERVERS', 'TOKEN', 'SECRET ENDS'];
  return table(
    headings,
    all.map((view) => [
      view.active ? '*' : '',
      view.name,
      view.client_id ?? '–',
      `${view.method}${view.dpop ? ', DPoP' : ''}`,
      view.servers.join(','),
      view.token_expires_in === null ? '–' : `ends in ${duration(view.token_expires_in)}`,
      moment(view.secret?.expires_at ?? null),
    ]),
  );
}
