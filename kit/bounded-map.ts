/** A map of so many entries at most. */
export interface BoundedMap<K, V> {
  get(key: K): V | undefined;
  /** Puts the entry behind all others; beyond the bound the first goes. */
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
}

/** An empty map of at most `max` entries, oldest out first: for what can be found out again. */
export function createBoundedMap<K, V>(max: number): BoundedMap<K, V> {
  const entries = new Map<K, V>();
  return {
    get: (key) => entries.get(key),
    set: (key, value) => {
      entries.delete(key);
      const oldest = entries.keys().next();
      if (entries.size >= max && !oldest.done) entries.delete(oldest.value);
      entries.set(key, value);
    },
    delete: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}
