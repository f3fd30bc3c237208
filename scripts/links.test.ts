// The documents lead somewhere: each relative link to a file or folder of the project, each `#heading` to a heading, and the sources that they name are there.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './build';

const DOCUMENTS = ['*.md', '{docs,bench,deploy,server,client,db,kit,scripts}/**/*.md']
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(ROOT)])
  .sort();

/** Targets of `[text](target)` outside of code, but those on the web. */
function linksIn(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, 'code');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** As GitHub names the anchor of a heading. */
function anchorsIn(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isBroken(document: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path);
  if (!existsSync(file)) return true;
  return anchor !== undefined && !anchorsIn(readFileSync(file, 'utf8')).includes(anchor);
}

describe('documents', () => {
  test.each(DOCUMENTS)('the links of %s lead somewhere', (document) => {
    const links = linksIn(readFileSync(join(ROOT, document), 'utf8'));
    expect(links.filter((target) => isBroken(document, target))).toEqual([]);
  });

  test.each(DOCUMENTS)('the sources that %s names are there', (document) => {
    const text = readFileSync(join(ROOT, document), 'utf8');
    const named = [...text.matchAll(/`((?:server|client|db|kit|bench|scripts)\/[\w/.-]+\.ts)`/g)].map(
      ([, file]) => file ?? '',
    );
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('README leads to every document', () => {
    const links = linksIn(readFileSync(join(ROOT, 'README.md'), 'utf8'));
    expect(DOCUMENTS.filter((document) => document.startsWith('docs/') && !links.includes(document))).toEqual([]);
  });
});
