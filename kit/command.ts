import { Argument, Command, CommanderError, Option } from 'commander';
import { completionScript, SHELLS } from './completion';
import { ConfigFault, type Settings, valueText } from './config';
import { flagOf, helpOf, rootOf, secretsHelp, usesSettings } from './help';
import { errorSentence, stackFrames } from './log-fields';
import { escapeControls } from './logs';
import type { Output } from './output';
import { suggest } from './suggest';

/** A start or a command that cannot go on. Its message is one line that says what to change. Exit code 1. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** What a command line is made of. */
export interface ProgramOptions {
  readonly name: string;
  readonly version: string;
  readonly about: string;
  readonly settings: Settings;
  readonly write: Output;
}

/**
 * Makes a strict command line with a flag for every setting that is no secret, `--config`, `--help`, `--version`
 * and `completion`. Give it its commands; the one marked `{ isDefault: true }` runs when none is named.
 */
export function createProgram({ name, version, about, settings, write }: ProgramOptions): Command {
  const program = new Command(name)
    .description(about)
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp(helpOf(settings))
    .configureOutput({ writeOut: write.out, writeErr: write.err, outputError: () => {} })
    .exitOverride()
    .allowExcessArguments(false)
    .option('--config <file>', 'TOML file with settings, named as in the environment (CONFIG_FILE)')
    .addHelpText('afterAll', ({ command }) => secretsHelp(settings, command));
  program.optionsGroup('Settings (each is also an environment variable: --log-level is LOG_LEVEL):');
  for (const [variable, { about, fallback, secret }] of Object.entries(settings)) {
    if (!secret) program.addOption(new Option(`${flagOf(variable)} <value>`, withDefault(about, fallback)));
  }
  usesSettings(program.command('completion'), [])
    .description('print a script that completes commands and flags in your shell')
    .addArgument(new Argument('<shell>', 'the shell it is for').choices(SHELLS))
    .action((shell: (typeof SHELLS)[number]) => write.out(completionScript(shell, program)));
  secretNames.set(
    program,
    Object.keys(settings).filter((name) => settings[name]?.secret),
  );
  return program;
}

/** The settings given on the command line, and only those, by environment name (`--config` as `CONFIG_FILE`). */
export function settingFlags(program: Command): Record<string, string | undefined> {
  const flags: Record<string, string | undefined> = {};
  for (const option of program.options) {
    const key = option.attributeName();
    const value: unknown = program.getOptionValue(key);
    if (program.getOptionValueSource(key) !== 'cli' || typeof value !== 'string') continue;
    const name = option.long === '--config' ? 'CONFIG_FILE' : option.long?.slice(2).toUpperCase().replaceAll('-', '_');
    if (name !== undefined) flags[name] = value;
  }
  return flags;
}

/**
 * Runs the command line (`argv` without the program's own name) and resolves to the exit code: 0 for success, 1 for
 * a Refusal, a ConfigFault or an unexpected error, 2 for a command line that is wrong. What went wrong is on
 * `write.err`, a line each; the stack of an unexpected error only with `debug`.
 */
export async function runProgram(
  program: Command,
  argv: readonly string[],
  write: Output,
  { debug = false }: { debug?: boolean } = {},
): Promise<number> {
  const tell = (line: string) => write.err(`${program.name()}: ${escapeControls(line)}\n`);
  let meant = program;
  try {
    const words = program.parseOptions([...argv]).operands;
    meant = commandNamed(words, program);
    // With a default command, commander takes a misspelt command for an argument of that one.
    const [first] = words;
    if (first !== undefined && !commandNames(program).includes(first)) {
      tell(unknownCommand(first, program));
      return 2;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return usageExit(error, meant, tell);
    if (error instanceof ConfigFault) for (const fault of error.faults) tell(fault);
    else if (error instanceof Refusal) tell(error.message);
    else {
      tell(`unexpected error: ${errorSentence(error)}`);
      if (debug && error instanceof Error) write.err(`${stackFrames(error)}\n`);
    }
    return 1;
  }
}

const secretNames = new WeakMap<Command, readonly string[]>();

function withDefault(about: string, fallback: unknown): string {
  const text = valueText(fallback);
  return text === '' ? about : `${about} (default: ${text})`;
}

function commandNames(program: Command): readonly string[] {
  return ['help', ...program.commands.flatMap((command) => [command.name(), ...command.aliases()])];
}

function unknownCommand(name: string, program: Command): string {
  const meant = suggest(name, commandNames(program));
  return `unknown command '${name}'${meant === null ? hint(program) : ` (did you mean ${meant}?)`}`;
}

function hint(command: Command): string {
  return `: ${pathOf(command)} --help lists what there is`;
}

/** A command with those above it, as it is typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** The command that these words lead to. */
function commandNamed([first, ...rest]: readonly string[], command: Command): Command {
  const next = command.commands.find((child) => child.name() === first || child.aliases().includes(first ?? ''));
  return next === undefined ? command : commandNamed(rest, next);
}

function usageExit(error: CommanderError, command: Command, tell: (line: string) => void): number {
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help') tell(usageFault(error, command));
  return 2;
}

/** Commander's complaint as one line that repeats no value, since that may be a secret given by mistake. */
function usageFault(error: CommanderError, command: Command): string {
  const [line = ''] = error.message.replace(/^error: /, '').split('\n');
  const [, given] = /^unknown option '([^'=]*)/.exec(line) ?? [];
  if (given !== undefined) return unknownFlag(given, command);
  if (error.code === 'commander.excessArguments')
    return `${line.replace(/ but got (\d+): .*$/, ', got $1')}${hint(command)}`;
  const meant = /\(Did you mean (.*)\?\)/.exec(error.message)?.[1];
  return meant === undefined ? line : `${line} (did you mean ${meant}?)`;
}

function unknownFlag(flag: string, command: Command): string {
  const secret = secretNames.get(rootOf(command))?.find((name) => flagOf(name) === flag);
  if (secret !== undefined) return `${flag} is not a flag: set ${secret} or ${secret}_FILE in the environment`;
  const meant = suggest(flag, flagsOf(command));
  return `unknown option '${flag}'${meant === null ? hint(command) : ` (did you mean ${meant}?)`}`;
}

/** The flags that a command takes: its own, and those of the commands above it. */
function flagsOf(command: Command): readonly string[] {
  const own = command.options.map(({ long }) => long).filter((long) => typeof long === 'string');
  return command.parent === null ? ['--help', ...own] : [...own, ...flagsOf(command.parent)];
}
