import { suggest } from './suggest';

/**
 * Reads the TOML settings file: names as in the environment, values text, number, boolean or a list of them.
 * What is wrong with it is added to `faults`; what is right comes back as text by name.
 */
export function readConfigFile(
  path: string,
  readFile: (path: string) => string,
  known: ReadonlySet<string>,
  faults: string[],
): Readonly<Record<string, string>> {
  let text: string;
  try {
    text = readFile(path);
  } catch {
    faults.push(`CONFIG_FILE: expected a TOML file that can be read, got ${JSON.stringify(path)}`);
    return {};
  }
  const table = parseToml(text);
  if (table === null) {
    faults.push(`CONFIG_FILE: ${path} is not valid TOML near line ${faultyLine(text)} (text needs quotation marks)`);
    return {};
  }
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(table)) {
    const scalar = scalarText(value);
    if (!known.has(name)) faults.push(unknownName(name, path, known));
    else if (scalar === null) faults.push(`${name}: expected text, a number, a boolean or a list of them in ${path}`);
    else entries.push([name, scalar]);
  }
  return Object.fromEntries(entries);
}

function unknownName(name: string, path: string, known: ReadonlySet<string>): string {
  const meant = suggest(name, known);
  return `${JSON.stringify(name)} in ${path} is not a setting${meant === null ? '' : `: did you mean ${meant}?`}`;
}

function parseToml(text: string): object | null {
  try {
    return Bun.TOML.parse(text);
  } catch {
    // The parser's own message can repeat part of a secret; the line number below says enough.
    return null;
  }
}

/** The first line from which on no beginning of the text is valid TOML. */
function faultyLine(text: string): number {
  const lines = text.split('\n');
  let count = lines.length;
  while (count > 1 && parseToml(lines.slice(0, count - 1).join('\n')) === null) count--;
  return count;
}

function scalarText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (!Array.isArray(value)) return null;
  const items = value.map(scalarText);
  return items.every((item) => item !== null) ? items.join(',') : null;
}
