import { type Command, Option } from 'commander';
import { sure } from '../../kit/confirm';
import { usesSettings } from '../../kit/help';
import { clean, json } from '../../kit/text';
import type { ClientView, RotatedSecret } from '../admin/contract';
import { type CliProcess, openApi, REMOTE_SETTINGS } from './api';
import { createCommand } from './client-create';
import { description, listing } from './client-text';
import { EXPIRES_IN, OVERLAP, seconds } from './duration';
import { printSecret } from './secret';

/** `clients …`: who may ask for tokens. */
export function clientCommands(program: Command, process: CliProcess): void {
  const { write } = process;
  const clients = usesSettings(program.command('clients'), REMOTE_SETTINGS);
  clients.description('manage the clients of the running server');
  clients
    .command('list')
    .description('list clients')
    .option('--search <text>', 'only those whose id or name holds this')
    .addOption(
      new Option('--state <state>', 'only these: disabled, or with a secret that ends soon').choices([
        'disabled',
        'secret_ending',
      ]),
    )
    .option('--json', 'print JSON')
    .action(async ({ search, state, json: asJson }: { search?: string; state?: string; json?: true }) => {
      const found = await openApi(process).all<ClientView>('/clients', { search, state });
      write.out(asJson ? json(found) : listing(found));
    });
  clients
    .command('show')
    .description('show one client')
    .argument('<id>', 'its client id')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: true }) => {
      const client = await openApi(process).ask<ClientView>('GET', pathOf(id));
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
    .option('--json', 'print JSON')
    .action(async (id: string, { yes, json: asJson }: { yes?: true; json?: true }) => {
      const api = openApi(process);
      await sure(process, yes, `Delete the client ${clean(id)} for ever?`);
      await api.ask('DELETE', pathOf(id));
      write.out(asJson ? json({ client_id: id, deleted: true }) : `${clean(id, 128)} is deleted\n`);
    });
  rotateCommand(clients, process);
}

interface RotateFlags {
  readonly overlap: number;
  readonly expiresIn?: number;
  readonly label?: string;
  readonly json?: true;
}

function rotateCommand(clients: Command, process: CliProcess): void {
  const overlap = new Option('--overlap <time>', 'how long the others go on, such as 24h; 0: they end now');
  clients
    .command('rotate-secret')
    .description('make a new secret of a client; the others end after the overlap')
    .argument('<id>', 'its client id')
    .addOption(overlap.argParser(seconds(OVERLAP)).default(86_400, '24h'))
    .option('--expires-in <time>', 'when the new one ends, such as 90d (default: never)', seconds(EXPIRES_IN))
    .option('--label <text>', 'what people call the new one')
    .option('--json', 'print JSON')
    .action(async (id: string, { overlap, expiresIn, label, json: asJson }: RotateFlags) => {
      const body = {
        overlap_seconds: overlap,
        ...(expiresIn === undefined ? {} : { expires_in_seconds: expiresIn }),
        ...(label === undefined ? {} : { label }),
      };
      const made = await openApi(process).ask<RotatedSecret>('POST', `${pathOf(id)}/secrets`, body);
      printSecret(process, id, made.client_secret, asJson ? made : null);
    });
}

function standing(clients: Command, process: CliProcess, name: 'disable' | 'enable', about: string): void {
  clients
    .command(name)
    .description(about)
    .argument('<id>', 'its client id')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { json?: true }) => {
      const client = await openApi(process).ask<ClientView>('POST', `${pathOf(id)}/${name}`);
      process.write.out(flags.json ? json(client) : `${clean(client.client_id, 128)} is ${name}d\n`);
    });
}

function pathOf(id: string): string {
  return `/clients/${encodeURIComponent(id)}`;
}
