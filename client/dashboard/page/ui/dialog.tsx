import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { useAction, useShell } from '../shell';
import { Failure } from './failure';

/** What a dialog that does one thing is given. */
export interface DialogProps {
  readonly title: string;
  /** The word on the button: what will happen. */
  readonly verb: string;
  readonly danger?: boolean;
  /** Escape, cancel, or done. */
  readonly close: () => void;
  /** Does it; the dialog stays and shows why when it was refused. */
  readonly act: () => Promise<void>;
  readonly children: ComponentChildren;
}

/** A modal form: the browser keeps the focus inside and gives it back afterwards. */
export function Dialog({ title, verb, danger = false, close, act, children }: DialogProps) {
  const { words } = useShell();
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const action = useAction();
  useLayoutEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // What opened it may be gone by now; then the page's heading is the next best place.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
      else document.querySelector<HTMLElement>('h1')?.focus();
    };
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    void action.run(async () => {
      await act();
      close();
    });
  };
  return (
    <dialog ref={dialog} aria-labelledby={titleId} onClose={close}>
      <form onSubmit={submit}>
        <h2 id={titleId}>{title}</h2>
        <div class="dialog-body">{children}</div>
        <Failure error={action.error} />
        <footer class="buttons">
          <button type="button" onClick={close}>
            {words.cancel}
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={action.busy}>
            {verb}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
