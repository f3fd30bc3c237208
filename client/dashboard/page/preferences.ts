/** What this browser was told to look like: language and colours. Kept by it, and by nobody else. */
import { LANGUAGES, type Language } from './format';

/** The colours: as the system has them, or not. */
export const THEMES = ['system', 'light', 'dark'] as const;

/** One of them. */
export type Theme = (typeof THEMES)[number];

/** What was chosen. */
export interface Preferences {
  readonly language: Language;
  readonly theme: Theme;
}

const KEYS = { language: 'crypto-client.language', theme: 'crypto-client.theme' } as const;

/** What was chosen before, or else what the browser says. */
export function readPreferences(storage: Pick<Storage, 'getItem'>, languages: readonly string[]): Preferences {
  const known = (Object.keys(LANGUAGES) as Language[]).find((language) => language === kept(storage, KEYS.language));
  const theme = THEMES.find((one) => one === kept(storage, KEYS.theme));
  return { language: known ?? spoken(languages), theme: theme ?? 'system' };
}

/** Keeps it, where the browser lets it, and puts it on the page. */
export function applyPreferences({ language, theme }: Preferences, storage: Pick<Storage, 'setItem'>): void {
  document.documentElement.lang = language;
  document.documentElement.dataset['theme'] = theme;
  try {
    storage.setItem(KEYS.language, language);
    storage.setItem(KEYS.theme, theme);
  } catch {
    // A browser that keeps nothing asks the system each time.
  }
}

/** The first language of the browser that is one of ours. */
function spoken(languages: readonly string[]): Language {
  const codes = languages.map((tag) => tag.toLowerCase().split('-')[0]);
  return codes.find((code): code is Language => code !== undefined && code in LANGUAGES) ?? 'en';
}

function kept(storage: Pick<Storage, 'getItem'>, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}
