import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: string;
  readonly set: (value: string) => void;
}

/** What a line of text is given. */
export interface TextFieldProps extends FieldProps {
  readonly type?: 'text' | 'password' | 'search' | 'number' | 'url' | 'datetime-local';
  readonly required?: boolean;
  readonly pattern?: string;
  /** What the pattern asks for, in words. */
  readonly title?: string;
  readonly placeholder?: string;
  readonly maxLength?: number;
  readonly list?: readonly string[];
  readonly autoComplete?: string;
  readonly disabled?: boolean;
}

/** A labelled line of text. */
export function TextField({
  label,
  hint,
  value,
  set,
  list,
  type = 'text',
  autoComplete = 'off',
  ...rest
}: TextFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...rest}
        id={id}
        type={type as 'text'} // each type has attributes of its own to its types; those used here are for all
        value={value}
        autoComplete={autoComplete}
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        list={list === undefined ? undefined : `${id}-list`}
        onInput={(event) => set(event.currentTarget.value)}
      />
      {hint !== undefined && <Hint id={id}>{hint}</Hint>}
      {list !== undefined && (
        <datalist id={`${id}-list`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </div>
  );
}

/** A labelled text of several lines. */
export function AreaField({ label, hint, value, set, required = false }: FieldProps & { readonly required?: boolean }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={4}
        value={value}
        required={required}
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={(event) => set(event.currentTarget.value)}
      />
      {hint !== undefined && <Hint id={id}>{hint}</Hint>}
    </div>
  );
}

/** A labelled choice of one. */
export function SelectField(
  props: FieldProps & { readonly options: readonly (readonly [value: string, text: string])[] },
) {
  const { label, hint, value, set, options } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => set(event.currentTarget.value)}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
      {hint !== undefined && <Hint id={id}>{hint}</Hint>}
    </div>
  );
}

/** What a tick is given. */
export interface CheckFieldProps {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly checked: boolean;
  readonly set: (checked: boolean) => void;
}

/** A tick with its label. */
export function CheckField({ label, hint, checked, set }: CheckFieldProps) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => set(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{label}</label>
        {hint !== undefined && <Hint id={id}>{hint}</Hint>}
      </div>
    </div>
  );
}

/** Fields that belong together. */
export function Group({ legend, children }: { legend: string; children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {children}
    </fieldset>
  );
}

function Hint({ id, children }: { id: string; children: ComponentChildren }) {
  return (
    <p class="hint" id={`${id}-hint`}>
      {children}
    </p>
  );
}
