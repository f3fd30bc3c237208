import type { Opening } from './opening';
import { ifReadable } from './store';
import { DEFAULT_NAME, ENVIRONMENT_NAME, type StoredCredential } from './stored';

/** Which credential is used when none is named. */
export interface Choice {
  /** Its name; where there is none at all, one is made. Throws `VaultFault`. */
  active(): string;
  /** The same, but nothing is made; null when the row does not open. */
  peek(): string | null;
  /** Keeps another one. Throws `VaultFault`. */
  choose(name: string): void;
  /** To be called when a credential has come or gone. */
  forget(): void;
  /** Takes over what another process has chosen. */
  refresh(): void;
}

/** What {@link createChoice} needs. */
export interface ChoiceDeps {
  readonly opening: Opening;
  /** True when the environment names one: it is the active one until another is chosen, and again at the next start. */
  readonly pinned: boolean;
  /** A credential of the client's own. */
  readonly make: () => StoredCredential;
}

/** The choice that is kept in the vault, behind that of the environment. */
export function createChoice({ opening, pinned, make }: ChoiceDeps): Choice {
  /** What goes before the choice that is kept; null: nothing. */
  let override: string | null = pinned ? ENVIRONMENT_NAME : null;
  let seen: string | null = null;
  /** What was found last: every call asks, and the vault costs a fifth of a millisecond. */
  let found: string | null = null;
  const look = (makes: boolean): string => {
    if (override !== null) return override;
    found ??= find(makes);
    return found ?? DEFAULT_NAME;
  };
  /** Null: there is none. */
  const find = (makes: boolean): string | null => {
    const store = opening.needed();
    const wanted = store.chosen();
    if (store.read(wanted) !== null) return wanted;
    // A choice that is gone: the usual one, or any.
    if (store.read(DEFAULT_NAME) !== null) return DEFAULT_NAME;
    const [first] = store.all().credentials.keys();
    if (first !== undefined) return first;
    // Stored before it is registered: whatever happens in between, the next start goes on with the same one.
    if (makes) store.readOrCreate(DEFAULT_NAME, make);
    return makes ? DEFAULT_NAME : null;
  };
  return {
    active: () => look(true),
    peek: () => ifReadable(() => look(false)),
    choose(name) {
      if (name !== ENVIRONMENT_NAME) opening.needed().choose(name);
      seen = name;
      found = null;
      override = pinned ? name : null;
    },
    forget() {
      found = null;
    },
    refresh() {
      found = null;
      const store = opening.store();
      const chosen = store === null ? null : ifReadable(store.chosen);
      if (pinned && chosen !== null && chosen !== (seen ?? opening.chosenAtFirst())) override = chosen;
      seen = chosen;
    },
  };
}
