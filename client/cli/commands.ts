import { type Command, Option } from 'commander';
import { printSettings } from '../../kit/commands';
import { usesSettings } from '../../kit/help';
import { TLS_SETTINGS } from '../../kit/tls/settings';
import { SETTINGS } from '../config';
import { credentialCommands } from './credentials';
import { doctor } from './doctor';
import { rates, register, serve, type TokenFlags, token } from './own';
import type { Process, ReadFlags } from './process';
import { healthcheck, status } from './remote';

/** Adds the commands of crypto-client to its command line. */
export function createCommands(program: Command, process: Process): void {
  program
    .command('serve', { isDefault: true })
    .description('run the client: keep a token, fetch and show the rates, answer its own API')
    .action(() => serve(process));
  reading(program, 'rates', 'fetch the rates and print them')
    .option('--watch', 'go on until Ctrl-C; on a terminal a live table on the whole screen')
    .action((flags: ReadFlags & { watch?: true }) => rates(process, flags));
  reading(program, 'token', 'print a valid access token')
    .option('--credential <name>', 'of this credential, instead of the one in use')
    .addOption(new Option('--header', 'print it as a header line, for curl -H @-').conflicts('json'))
    .action((flags: TokenFlags) => token(process, flags));
  reading(program, 'register', 'register the credential in use').action((flags: ReadFlags) => register(process, flags));
  credentialCommands(program, process);
  usesSettings(reading(program, 'status', 'print how the running client is'), [...WHERE, ...GUARD]).action(
    (flags: ReadFlags) => status(process, flags),
  );
  usesSettings(
    reading(program, 'healthcheck', 'exit with 0 when the running client is ready, else with 1'),
    WHERE,
  ).action((flags: ReadFlags) => healthcheck(process, flags));
  reading(
    program,
    'doctor',
    'look at everything that the client needs, and say what to do; exit with 1 when something is wrong',
  ).action((flags: ReadFlags) => doctor(process, flags));
  reading(program, 'config', 'print every setting, its value and where it came from').action((flags: ReadFlags) =>
    printSettings(process.write, SETTINGS, process.configure(), flags.json === true),
  );
}

function reading(program: Command, name: string, about: string): Command {
  return program.command(name).description(about).option('--json', 'print JSON');
}

/** Where a client runs, and what it asks for. */
const WHERE = ['HOST', 'PORT', ...Object.keys(TLS_SETTINGS)];
const GUARD = ['DATA_DIR', 'DASHBOARD_PASSWORD'];
