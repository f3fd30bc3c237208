import { curl } from './curl';
import type { SnippetFacts } from './facts';
import { python } from './python';
import { typescript } from './typescript';

/** The languages of the quick start, in order, with their names. */
export const LANGUAGES = { curl: 'curl', typescript: 'TypeScript', python: 'Python' } as const;

/** One of them. */
export type Language = keyof typeof LANGUAGES;

/** Code that runs as it stands: obtains a token and uses it. */
export function snippetFor(language: Language, facts: SnippetFacts): string {
  return { curl, typescript, python }[language](facts);
}
