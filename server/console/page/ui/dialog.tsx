import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Failure } from './notice';
import { useAction } from './shell';

/** What a dialog is given. */
export interface DialogProps {
  readonly title: string;
  /** Escape, the close button, or the view itself. */
  readonly close: () => void;
  /** False: only its own buttons close it, so that nothing is lost by a slip. */
  readonly dismissible?: boolean;
  readonly children: ComponentChildren;
}

/** A modal dialog: the browser keeps the focus inside and gives it back afterwards. */
export function Dialog({ title, close, dismissible = true, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const gone = useRef(false);
  const titleId = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    if (element !== null) firstPlace(element, dismissible)?.focus();
    return () => {
      gone.current = true;
      element?.close();
      // What opened it may be gone by now; then the page's heading is the next best place.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      else document.querySelector<HTMLElement>('h1')?.focus();
    };
  }, []);
  const cancel = (event: Event): void => {
    event.preventDefault();
    if (dismissible) close();
  };
  /** A browser closes a dialog that is asked to go twice, whatever is said to `cancel`. */
  const closed = (): void => {
    if (gone.current) return;
    if (dismissible) close();
    else dialog.current?.showModal();
  };
  const swallow = (event: KeyboardEvent): void => {
    if (!dismissible && event.key === 'Escape') event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      closedby={dismissible ? 'closerequest' : 'none'}
      onCancel={cancel}
      onClose={closed}
      onKeyDown={swallow}
    >
      <header>
        <h2 id={titleId} tabIndex={-1}>
          {title}
        </h2>
        {dismissible && (
          <button type="button" class="plain close" aria-label="Close" onClick={close}>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
              <path d="M3 3l10 10M13 3L3 13" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
            </svg>
          </button>
        )}
      </header>
      {children}
    </dialog>
  );
}

/**
 * Where the focus begins: on the first field, else on the first button of the end, which is the harmless one. Of a dialog that
 * must not go by a slip on its title, since the key that opened it may still be down.
 */
function firstPlace(dialog: HTMLDialogElement, dismissible: boolean): HTMLElement | null {
  if (!dismissible) return dialog.querySelector('h2');
  return (
    dialog.querySelector<HTMLElement>('.body :is(input, select, textarea)') ?? dialog.querySelector('footer button')
  );
}

/** What a dialog that does one thing is given. */
export interface FormDialogProps {
  readonly title: string;
  /** The word on the button: what will happen. */
  readonly verb: string;
  readonly danger?: boolean;
  /** False while the fields do not say enough. */
  readonly ready?: boolean;
  readonly close: () => void;
  /** Does it; the dialog shows why when it was refused. */
  readonly act: () => Promise<void>;
  readonly children: ComponentChildren;
}

/** Asks for what is needed to do something, and does it once at a time. */
export function FormDialog({ title, verb, danger = false, ready = true, close, act, children }: FormDialogProps) {
  const action = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    void action.run(act);
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={submit}>
        <div class="body">
          {children}
          <Failure error={action.error} />
        </div>
        <footer>
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={action.busy || !ready}>
            {verb}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What a question before something that can not be undone is given. */
export interface ConfirmProps extends FormDialogProps {
  /** Text that must be typed first. */
  readonly typed?: string;
}

/** Asks before something that matters, and closes when it is done. */
export function Confirm({ typed, danger = true, act, children, ...form }: ConfirmProps) {
  const [text, setText] = useState('');
  const inputId = useId();
  const doIt = async (): Promise<void> => {
    await act();
    form.close();
  };
  return (
    <FormDialog {...form} danger={danger} ready={typed === undefined || text === typed} act={doIt}>
      {children}
      {typed !== undefined && (
        <div class="field">
          <label for={inputId}>
            Type <code>{typed}</code> to confirm
          </label>
          <input
            id={inputId}
            value={text}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
      )}
    </FormDialog>
  );
}
