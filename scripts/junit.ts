/** What a test run came to: how many passed, and the full names of those that did not. */
export interface Tally {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

/** Reads the JUnit report of `bun test`. */
export function readReport(xml: string): Tally {
  const [failed, skipped]: [string[], string[]] = [[], []];
  let passed = 0;
  for (const [, attributes = '', closed, inside = ''] of xml.matchAll(
    /<testcase\b([^>]*?)(?:(\/)>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    // Bun names the innermost group first.
    const groups = attribute(attributes, 'classname').split(' > ').reverse();
    const full = [attribute(attributes, 'file'), ...groups, attribute(attributes, 'name')].filter(Boolean).join(' > ');
    if (!closed && /<(?:failure|error)\b/.test(inside)) failed.push(full);
    else if (!closed && /<skipped\b/.test(inside)) skipped.push(full);
    else passed++;
  }
  return { passed, failed, skipped };
}

function attribute(attributes: string, name: string): string {
  const [, value = ''] = new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes) ?? [];
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return value.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => entities[entity] ?? '');
}
