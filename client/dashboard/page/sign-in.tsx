import { useEffect, useRef, useState } from 'preact/hooks';
import { type Api, ApiError } from './api';
import type { Format } from './format';
import { failureWords } from './ui/failure';
import { Mark } from './ui/mark';
import { Switches, type SwitchesProps } from './ui/switches';

/** What the page that signs in is given. */
export interface SignInProps extends SwitchesProps {
  readonly api: Api;
  readonly format: Format;
  /** There was a session, and it is over. */
  readonly ended: boolean;
  readonly done: () => void;
}

/** Asks for the password; it says nothing of the client. */
export function SignIn({ api, words, format, ended, done, ...switches }: SignInProps) {
  const field = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState('');
  useEffect(() => {
    document.title = `${words.signIn.title} · crypto-client`;
    field.current?.focus();
  }, [words]);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setRefusal('');
    try {
      await api.signIn(field.current?.value ?? '');
      done();
    } catch (error) {
      setRefusal(failureWords(error instanceof ApiError ? error : new ApiError(0, '', null), words, format, true));
      field.current?.select();
    }
    setBusy(false);
  };
  return (
    <main class="gate">
      <div class="brand">
        <Mark />
        crypto-client
      </div>
      <h1>{words.signIn.title}</h1>
      {ended && <p role="status">{words.signIn.ended}</p>}
      <form onSubmit={(event) => void submit(event)}>
        <label for="password">{words.signIn.password}</label>
        <input ref={field} id="password" type="password" autoComplete="current-password" required />
        <p role="alert" class="refusal">
          {refusal}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {words.signIn.submit}
        </button>
      </form>
      <p class="quiet">{words.signIn.help}</p>
      <Switches words={words} {...switches} />
    </main>
  );
}
