// What axe-core finds on a page, for the tests of the pages.
import type { BrowserContext, Page } from 'playwright-core';

const AXE = new URL('../node_modules/axe-core/axe.min.js', import.meta.url).pathname;

/** Everything, or colours alone: the scheme changes these and nothing else. */
const RUNS = {
  all: { resultTypes: ['violations'], preload: false },
  colours: { resultTypes: ['violations'], preload: false, runOnly: ['color-contrast'] },
};

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** Has axe-core on every page of the visitor from its beginning: given to a page that is there it takes half a second. */
export function bringAxe(context: BrowserContext): Promise<unknown> {
  return context.addInitScript({ path: AXE });
}

/** What axe-core calls serious or critical about the page as it is, each with `where`. */
export async function seriousFaults(page: Page, where: string, run: keyof typeof RUNS): Promise<string[]> {
  const { violations } = await page.evaluate<{ violations: readonly Violation[] }>(
    `axe.run(${JSON.stringify(RUNS[run])})`,
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}
