import { LANGUAGES, type Language } from '../format';
import { type Preferences, THEMES, type Theme } from '../preferences';
import type { Words } from '../words/en';

/** What the switches are given. */
export interface SwitchesProps {
  readonly words: Words;
  readonly preferences: Preferences;
  readonly prefer: (change: Partial<Preferences>) => void;
}

/** Language and colours. */
export function Switches({ words, preferences, prefer }: SwitchesProps) {
  return (
    <div class="switches">
      <select
        aria-label={words.language}
        value={preferences.language}
        onChange={(event) => prefer({ language: event.currentTarget.value as Language })}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label={words.theme}
        value={preferences.theme}
        onChange={(event) => prefer({ theme: event.currentTarget.value as Theme })}
      >
        {THEMES.map((theme) => (
          <option key={theme} value={theme}>
            {words.themes[theme]}
          </option>
        ))}
      </select>
    </div>
  );
}
