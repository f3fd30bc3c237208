import { readConfigFile } from './config-file';
import { redactText } from './redact';

/** One setting: how its text is read, what holds when nobody sets it, and what it is for. */
export interface Setting<T> {
  /** One line for `--help` and `config`. */
  readonly about: string;
  /** Text → value; throws an Error whose message says what is expected (`an integer from 0 to 65535`). */
  readonly parse: (text: string) => T;
  /** The value when nothing is set. */
  readonly fallback: T;
  /** A secret has a twin `X_FILE`, no flag, and is masked wherever settings are shown. */
  readonly secret?: true;
}

/** All settings of one program, keyed by environment name (`PORT`, `DATA_DIR`). */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The record that comes out: every setting has a value of its own type. */
export type Values<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Where a value came from; each beats those before it. */
export type Origin = 'default' | 'file' | 'environment' | 'flag';

/** Everything settings are read from. `flags` is keyed by environment name too. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  /** True when a person reads the log as it is written; left out: a program does. */
  readonly terminal?: boolean;
}

/** Settings once read: values, and where each came from. */
export interface Reading<S extends Settings> {
  readonly values: Values<S>;
  readonly origins: Readonly<Record<keyof S, Origin>>;
}

/** What a program's `readConfig` gives: the record it runs on, how that came about, and what its operator should know. */
export interface Configuration<C, S extends Settings> {
  readonly config: C;
  readonly reading: Reading<S>;
  /** What holds where nothing was set, as text, by the name of the setting. */
  readonly derived: Readonly<Partial<Record<keyof S, string>>>;
  /** The files that secrets are made in at the first start where nobody set them, by the name of the setting. */
  readonly generated: Readonly<Partial<Record<keyof S, string>>>;
  readonly warnings: readonly string[];
}

/** The settings cannot be used. The message holds every fault, one on each line. */
export class ConfigFault extends Error {
  /** One sentence for each fault, naming the variable and what is expected. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigFault';
    this.faults = faults;
  }
}

/** Gives a setting its type: `setting({ about, parse: oneOf('a', 'b'), fallback: 'a' })`. */
export function setting<T>(definition: Setting<T>): Setting<T> {
  return definition;
}

/** Text of `min` to `max` characters, matching `pattern` when given; `what` names it in the fault. */
export function text(
  rule: { min?: number; max?: number; pattern?: RegExp; what?: string } = {},
): (text: string) => string {
  const { min = 1, max = 4096, pattern, what = `text of ${min} to ${max} characters` } = rule;
  return (given) => {
    const length = [...given].length;
    if (length < min || length > max || (pattern !== undefined && !pattern.test(given))) throw new Error(what);
    return given;
  };
}

/** A whole number from `min` to `max`, both allowed. */
export function integer(min: number, max: number): (text: string) => number {
  return (given) => {
    const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`an integer from ${min} to ${max}`);
    return value;
  };
}

/** A decimal number such as `0.005` from `min` to `max`, both allowed. */
export function decimal(min: number, max: number): (text: string) => number {
  return (given) => {
    // Numbers of a TOML file arrive in JavaScript's notation, which may have an exponent.
    const value = /^-?\d+(?:\.\d+)?(?:e-?\d{1,3})?$/i.test(given) ? Number(given) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`a number from ${min} to ${max}`);
    return value;
  };
}

/** One of these words, exactly as written. */
export function oneOf<const W extends readonly [string, ...string[]]>(...words: W): (text: string) => W[number] {
  return (given) => {
    const found = words.find((word) => word === given);
    if (found === undefined) throw new Error(`one of ${words.join(', ')}`);
    return found;
  };
}

/** Items separated by commas; spaces around them and empty ones are dropped. */
export function list<T>(parse: (text: string) => T): (text: string) => readonly T[] {
  return (given) => {
    const items = given.split(',').map((item) => item.trim());
    return Object.freeze(items.filter((item) => item !== '').map(readItem(parse)));
  };
}

function readItem<T>(parse: (text: string) => T): (item: string) => T {
  return (item) => {
    try {
      return parse(item);
    } catch (error) {
      throw new Error(`a list, separated by commas, of: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

interface Given {
  readonly text: string;
  readonly origin: Exclude<Origin, 'default'>;
}

type Layer = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting: flags win over the environment, the environment over the TOML file (`--config` or
 * `CONFIG_FILE`), the file over defaults. An empty text in environment or file counts as unset. `together` finds what is wrong
 * with settings that depend on each other; a faulty one counts as unset there.
 * Throws ConfigFault with all faults at once.
 */
export function readSettings<S extends Settings>(
  settings: S,
  sources: Sources,
  together: (values: Values<S>) => readonly string[] = () => [],
): Reading<S> {
  const faults: string[] = [];
  const path = sources.flags['CONFIG_FILE'] ?? filled(sources.env['CONFIG_FILE']);
  const file = path === undefined ? {} : readConfigFile(path, sources.readFile, knownNames(settings), faults);
  const layers = [
    { origin: 'flag', layer: sources.flags },
    { origin: 'environment', layer: sources.env },
    { origin: 'file', layer: file },
  ] as const;

  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const [name, setting] of Object.entries(settings)) {
    const given = layers.reduce<Given | undefined>(
      (found, { origin, layer }) => found ?? findIn(name, setting, origin, layer, sources.readFile, faults),
      undefined,
    );
    origins[name] = given?.origin ?? 'default';
    values[name] = given === undefined ? setting.fallback : parseGiven(name, setting, given, faults);
  }
  faults.push(...together(values as Values<S>));
  if (faults.length > 0) throw new ConfigFault(faults);
  return {
    values: Object.freeze(values) as Values<S>,
    origins: Object.freeze(origins) as Record<keyof S, Origin>,
  };
}

/** Stands where a value would, when there is none. */
export const UNSET = '(unset)';

/** Stands where a secret would. */
export const MASKED = '••••••••';

/** One row for each setting: its name, its value as text (secrets masked), and where it came from. */
export function describeSettings<S extends Settings>(
  settings: S,
  reading: Reading<S>,
): readonly { name: string; value: string; origin: Origin }[] {
  return Object.entries(settings).map(([name, { secret }]) => {
    const value = valueText(reading.values[name]);
    const shown = value === '' ? UNSET : secret ? MASKED : redactText(value);
    return { name, value: shown, origin: reading.origins[name] ?? 'default' };
  });
}

/** A value as a person would write it; empty for null and empty lists. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return Array.isArray(value) ? value.map(valueText).join(',') : String(value);
}

function knownNames(settings: Settings): ReadonlySet<string> {
  const twins = Object.keys(settings).filter((name) => settings[name]?.secret);
  return new Set([...Object.keys(settings), ...twins.map((name) => `${name}_FILE`)]);
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function lookUp(name: string, layer: Layer): string | undefined {
  return Object.hasOwn(layer, name) ? filled(layer[name]) : undefined;
}

function findIn(
  name: string,
  setting: Setting<unknown>,
  origin: Given['origin'],
  layer: Layer,
  readFile: Sources['readFile'],
  faults: string[],
): Given | undefined {
  // An empty flag was typed on purpose: it is judged like any other text.
  const text = origin === 'flag' ? layer[name] : lookUp(name, layer);
  const twin = setting.secret ? lookUp(`${name}_FILE`, layer) : undefined;
  if (twin === undefined) return text === undefined ? undefined : { text, origin };
  if (text !== undefined) {
    faults.push(`${name} and ${name}_FILE are both set: keep one of them`);
    return undefined;
  }
  try {
    return { text: readFile(twin).replace(/\r?\n$/, ''), origin };
  } catch (error) {
    faults.push(`${name}_FILE: expected a file that can be read, got ${quoted(twin)} (${reason(error)})`);
    return undefined;
  }
}

function parseGiven(name: string, setting: Setting<unknown>, given: Given, faults: string[]): unknown {
  try {
    return setting.parse(given.text);
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    // A parser that repeats what it was given must not give a secret away.
    const told = setting.secret && expected.includes(given.text) ? 'another value' : expected;
    const got = setting.secret ? 'what was given does not fit' : `got ${quoted(redactText(given.text))}`;
    faults.push(`${name}: expected ${told}, ${got} (${given.origin})`);
    return setting.fallback;
  }
}

const MAX_QUOTED = 80; // characters of a refused value that are worth repeating

function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'no permission' : code || 'not readable';
}
