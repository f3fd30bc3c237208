import type { Command } from 'commander';
import { sure } from '../../kit/confirm';
import { usesSettings } from '../../kit/help';
import { clean, json, moment, table } from '../../kit/text';
import type { KeyView } from '../admin/contract';
import { type CliProcess, openApi, REMOTE_SETTINGS } from './api';

/** `keys …`: what signs access tokens. */
export function keyCommands(program: Command, process: CliProcess): void {
  const keys = usesSettings(program.command('keys'), REMOTE_SETTINGS);
  keys.description('manage the signing keys of the running server');
  const print = ({ items }: { items: readonly KeyView[] }, asJson: true | undefined): void =>
    process.write.out(asJson ? json(items) : listing(items));
  keys
    .command('list')
    .description('list signing keys')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: true }) => print(await openApi(process).ask('GET', '/keys'), flags.json));
  keys
    .command('rotate')
    .description('let the next key take over, as soon as everybody can know it')
    .option('--json', 'print JSON')
    .action(async (flags: { json?: true }) => print(await openApi(process).ask('POST', '/keys/rotate'), flags.json));
  keys
    .command('revoke')
    .description('revoke a key: every token that it signed is dead at once')
    .argument('<kid>', 'its key id')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action(async (kid: string, { yes, json: asJson }: { yes?: true; json?: true }) => {
      const api = openApi(process);
      await sure(process, yes, `Revoke the key ${clean(kid)} and with it every token that it signed?`);
      print(await api.ask('POST', `/keys/${encodeURIComponent(kid)}/revoke`), asJson);
    });
}

function listing(keys: readonly KeyView[]): string {
  const rows = keys.map((key) => [
    key.kid,
    key.alg,
    key.state,
    moment(key.created_at),
    moment(key.active_from),
    moment(key.retired_at),
    moment(key.removed_at),
  ]);
  return table(['KID', 'ALG', 'STATE', 'CREATED', 'ACTIVE FROM', 'ACTIVE UNTIL', 'PUBLISHED UNTIL'], rows);
}
