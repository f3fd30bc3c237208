import { useId } from 'preact/hooks';
import { useShell } from '../shell';

/** What a field is given. */
export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly required?: boolean;
  readonly help?: string;
  /** What must match as a whole (HTML §4.10.5.3.6). */
  readonly pattern?: string;
  /** `lines`: more than one; `secret`: not to be seen or remembered. */
  readonly type?: 'line' | 'lines' | 'secret';
}

/** A text to be filled in, with its label and what must be known about it. */
export function Field({ label, value, change, required = false, help, pattern, type = 'line' }: FieldProps) {
  const { words } = useShell();
  const id = useId();
  const shared = {
    id,
    value,
    required,
    spellcheck: false,
    'aria-describedby': help === undefined ? undefined : `${id}-help`,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) => change(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>
        {label} {!required && <span class="quiet">({words.credentials.form.optional})</span>}
      </label>
      {type === 'line' && <input {...shared} pattern={pattern} autoComplete="off" />}
      {type === 'secret' && <input {...shared} type="password" autoComplete="new-password" />}
      {type === 'lines' && <textarea {...shared} rows={3} autoComplete="off" />}
      {help !== undefined && (
        <small id={`${id}-help`} class="quiet">
          {help}
        </small>
      )}
    </div>
  );
}
