import { useEffect, useRef, useState } from 'preact/hooks';

const SHOWN_MS = 2_500; // long enough to be read, short enough not to be taken for the next result

/** Copies a text and says so on the button itself, where a modal dialog leaves it audible. */
export function CopyButton({ text, label = 'Copy', what }: { text: () => string; label?: string; what: string }) {
  const [told, setTold] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    const done = await navigator.clipboard.writeText(text()).then(
      () => true,
      () => false,
    );
    setTold(done ? 'Copied' : 'Not allowed');
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setTold(''), SHOWN_MS);
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      <span class={told === '' ? '' : 'away'}>
        {label}
        <span class="hidden"> {what}</span>
      </span>
      <span class="told" role="status">
        {told}
      </span>
    </button>
  );
}

/** A secret that is masked until somebody asks to see it. */
export function Masked({ value, what }: { value: string; what: string }) {
  const [shown, setShown] = useState(false);
  return (
    <div class="masked">
      {shown ? (
        <code data-testid="revealed">{value}</code>
      ) : (
        <code>
          <span aria-hidden="true">{'•'.repeat(24)}</span>
          <span class="hidden">{what}, hidden</span>
        </code>
      )}
      <div class="buttons">
        <button type="button" onClick={() => setShown(!shown)}>
          {shown ? 'Hide' : 'Reveal'}
          <span class="hidden"> {what}</span>
        </button>
        <CopyButton text={() => value} what={what} />
      </div>
    </div>
  );
}

/** Code that can be copied. */
export function CodeBlock({ code, what }: { code: string; what: string }) {
  return (
    <figure class="code">
      <figcaption>
        {what}
        <CopyButton text={() => code} what={what} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it. */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </figure>
  );
}
