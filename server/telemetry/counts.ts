/** Counts by label values; counting is one look-up, whatever is scraped. */
export interface Counts<Label extends string> {
  add(values: Readonly<Record<Label, string>>): void;
  all(): readonly { readonly labels: Readonly<Record<Label, string>>; readonly count: number }[];
}

/** A word of ours. What is none may hold a caller's text, and there are endlessly many. */
const WORD = /^[a-z][a-z0-9_-]{0,63}$/;

/** At most `max` combinations of words; what is no word, or one combination too many, is counted as `other`. */
export function createCounts<Label extends string>(names: readonly Label[], max: number): Counts<Label> {
  type Labels = Record<Label, string>;
  const counted = new Map<string, { labels: Labels; count: number }>();
  const keyOf = (labels: Labels): string => names.map((name) => labels[name]).join(' ');
  const enter = (labels: Labels): { labels: Labels; count: number } => {
    const key = keyOf(labels);
    const entry = counted.get(key) ?? { labels, count: 0 };
    counted.set(key, entry);
    return entry;
  };
  const replaced = (from: Labels, by: (value: string) => string): Labels =>
    Object.fromEntries(names.map((name) => [name, by(from[name])])) as Labels; // every name has its value
  return {
    add: (values) => {
      const known = counted.get(keyOf(values));
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      const words = replaced(values, (value) => (WORD.test(value) ? value : 'other'));
      enter(counted.size < max ? words : replaced(words, () => 'other')).count += 1;
    },
    all: () => [...counted.values()],
  };
}
