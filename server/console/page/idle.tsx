import { useEffect, useState } from 'preact/hooks';
import { Dialog } from './ui/dialog';
import { Failure } from './ui/notice';
import { useAction, useShell } from './ui/shell';

const WARNING_MS = 60_000; // time enough to notice and to press a button
const LOOK_MS = 1_000;

/** Warns before an idle session ends, and leaves the console when it has. */
export function Idle({ ended }: { ended: () => void }) {
  const { api, session, now } = useShell();
  const [leftMs, setLeftMs] = useState(Number.POSITIVE_INFINITY);
  const action = useAction();
  useEffect(() => {
    const look = (): void => {
      const left = api.lastUsedMs() + session.idle_seconds * 1000 - now();
      setLeftMs(left);
      if (left <= 0) ended();
    };
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [api, session, now, ended]);
  if (leftMs > WARNING_MS) return null;
  const stay = (): Promise<void> =>
    action.run(async () => {
      if ((await api.session()) === null) ended();
      else setLeftMs(Number.POSITIVE_INFINITY);
    });
  return (
    <Dialog title="Are you still there?" close={() => void stay()}>
      <div class="body">
        <p>
          You will be signed out in <strong>{Math.max(0, Math.ceil(leftMs / 1000))} seconds</strong>, because nothing
          was done for a while. What you have typed would be lost.
        </p>
        <Failure error={action.error} />
      </div>
      <footer>
        <button type="button" class="primary" disabled={action.busy} onClick={() => void stay()}>
          Stay signed in
        </button>
      </footer>
    </Dialog>
  );
}
