import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionView } from '../../admin/contract';
import type { Api, ApiError } from './api';
import { Mark } from './frame';
import { Failure } from './ui/notice';
import { asApiError } from './ui/shell';

/** What the sign-in is given. */
export interface SignInProps {
  readonly api: Api;
  readonly now: () => number;
  /** Why one has to sign in (again); may be empty. */
  readonly why: string;
  readonly done: (session: SessionView) => void;
}

/** The door: one field, and how long to wait after too many attempts. */
export function SignIn({ api, now, why, done }: SignInProps) {
  const [secret, setSecret] = useState('');
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [waitUntilMs, setWaitUntilMs] = useState(0);
  const waitSeconds = useCountdown(waitUntilMs, now);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = 'Sign in · crypto-server console';
    input.current?.focus();
  }, []);
  const refuse = (fault: ApiError): void => {
    setError(fault);
    if (fault.status === 429) setWaitUntilMs(now() + (fault.retryAfterSeconds ?? 60) * 1000);
    input.current?.focus();
    input.current?.select();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || waitSeconds > 0) return;
    setBusy(true);
    setError(null);
    await api.signIn(secret).then(done, (fault: unknown) => refuse(asApiError(fault)));
    setBusy(false);
  };
  return (
    <main class="gate">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <Mark />
        <h1>crypto-server console</h1>
        <p class="quiet" role="status">
          {why || 'For the administrator of this server.'}
        </p>
        <div class="field">
          <label for="admin-secret">Admin secret</label>
          <input
            ref={input}
            id="admin-secret"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={secret}
            aria-describedby="admin-secret-hint"
            onInput={(event) => setSecret(event.currentTarget.value)}
          />
          <p class="hint" id="admin-secret-hint">
            The setting <code>ADMIN_SECRET</code>; when nobody set it, the server made one and keeps it in its data
            directory, in the file <code>admin-secret</code>.
          </p>
        </div>
        <Failure error={error} />
        {waitSeconds > 0 && <p>You can try again in {waitSeconds} s.</p>}
        <button type="submit" class="primary wide" disabled={busy || waitSeconds > 0}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

function useCountdown(untilMs: number, now: () => number): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const look = (): void => setSeconds(Math.max(0, Math.ceil((untilMs - now()) / 1000)));
    look();
    if (untilMs <= now()) return;
    const timer = setInterval(look, 500);
    return () => clearInterval(timer);
  }, [untilMs, now]);
  return seconds;
}
