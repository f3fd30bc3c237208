import { type Command, Help, type HelpConfiguration, type Option } from 'commander';
import type { Settings } from './config';

const settingsUsed = new WeakMap<Command, readonly string[]>();

/** Says which settings a command and those below it act on, by environment name: their help shows no others, though all are taken. */
export function usesSettings(command: Command, names: readonly string[]): Command {
  settingsUsed.set(command, names);
  return command;
}

/** The flag of a setting: `DATA_DIR` → `--data-dir`. */
export function flagOf(variable: string): string {
  return `--${variable.toLowerCase().replaceAll('_', '-')}`;
}

/** Help that shows the settings a command acts on, and which of its options must be given. */
export function helpOf(settings: Settings): HelpConfiguration {
  const plain = new Help();
  return {
    showGlobalOptions: true,
    visibleGlobalOptions: (command) => {
      const isShown = shownBy(command, settings);
      return command.parent === null ? [] : rootOf(command).options.filter(isShown);
    },
    optionDescription: (option) => `${plain.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`,
  };
}

/** The secrets among the settings that a command acts on; empty when there are none. */
export function secretsHelp(settings: Settings, command: Command): string {
  const names = shownSettings(command, settings).filter((name) => settings[name]?.secret);
  if (names.length === 0) return '';
  const how = 'Secrets have no flag. Set the variable, or put _FILE after its name to read a file:';
  return `\n${how}\n  ${names.join(', ')}\n`;
}

/** The command at the top. */
export function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

function shownSettings(command: Command | null, settings: Settings): readonly string[] {
  if (command === null) return Object.keys(settings);
  return settingsUsed.get(command) ?? shownSettings(command.parent, settings);
}

function shownBy(command: Command, settings: Settings): (option: Option) => boolean {
  const used = shownSettings(command, settings);
  const flags = new Set(used.map(flagOf));
  // A file of settings is of use to whoever needs some.
  if (used.length > 0) flags.add('--config');
  return ({ long }) => long !== null && long !== undefined && flags.has(long);
}
