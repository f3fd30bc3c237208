import type { ComponentChildren } from 'preact';

/** Names with what they stand for; those without anything are left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** What a program said, which it says in English. */
export function Said({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <span class="trouble" lang="en">
      {text}
    </span>
  );
}
