import { type Command, Option } from 'commander';
import { Refusal } from '../../kit/command';
import { json as asJson } from '../../kit/text';
import { exportText, type Imported, importText } from '../credentials/transfer';
import { openEnvelope, sealEnvelope } from '../vault/envelope';
import { type Opened, openedCredentials } from './opened';
import type { Process, ReadFlags } from './process';

/** `credentials export` and `credentials import`. */
export function transferCommands(credentials: Command, process: Process): void {
  credentials
    .command('export')
    .description('print all credentials, encrypted by a passphrase: VAULT_PASSPHRASE, or standard input')
    .addOption(new Option('--out <file>', 'write it into this file, for this user alone, instead').conflicts('json'))
    .option('--json', 'print JSON, as it does anyway')
    .action(({ out }: ReadFlags & { out?: string }) =>
      openedCredentials(process, async (opened) => {
        const passphrase = await readPassphrase(opened, process);
        const sealed = await sealEnvelope(exportText(opened.vault()), passphrase, process.randomBytes);
        if (out === undefined) return process.write.out(sealed);
        write(process, out, sealed);
        process.write.out(`The credentials are in ${out}\n`);
      }),
    );
  credentials
    .command('import')
    .description('keep the credentials of an export; the passphrase is VAULT_PASSPHRASE, or comes by standard input')
    .argument('<file>', 'what was exported')
    .option('--replace', 'replace other credentials of the same names')
    .option('--json', 'print JSON')
    .action((file: string, { json, replace }: ReadFlags & { replace?: true }) =>
      openedCredentials(process, async (opened) => {
        const envelope = read(process, file);
        const passphrase = await readPassphrase(opened, process);
        const text = await openEnvelope(envelope, passphrase);
        const imported = importText(opened.vault(), text, replace === true);
        process.write.out(json ? asJson(imported) : describe(imported));
      }),
    );
}

/** The setting, else all of standard input but the line feed at its end. @throws Refusal */
async function readPassphrase({ config }: Opened, { input }: Process): Promise<string> {
  if (config.vaultPassphrase !== null) return config.vaultPassphrase;
  const given = input === null ? '' : (await input()).replace(/\r?\n$/, '');
  if (given === '')
    throw new Refusal(
      'A passphrase is needed: set VAULT_PASSPHRASE or VAULT_PASSPHRASE_FILE, or send it by standard input.',
    );
  return given;
}

function read({ readFile }: Process, file: string): string {
  try {
    return readFile(file);
  } catch {
    throw new Refusal(`${file} cannot be read.`);
  }
}

function write({ writeFile }: Process, file: string, text: string): void {
  try {
    writeFile(file, text);
  } catch {
    throw new Refusal(`${file} cannot be written.`);
  }
}

function describe({ added, same, replaced }: Imported): string {
  const lines = [
    ['added', added],
    ['replaced', replaced],
    ['unchanged', same],
  ] as const;
  const said = lines.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: ${names.join(', ')}\n`);
  return said.length === 0 ? 'The export holds no credentials.\n' : said.join('');
}
