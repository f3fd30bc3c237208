import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionView } from '../../admin/contract';
import type { Api } from './api';
import { Frame } from './frame';
import { Idle } from './idle';
import type { ShownOnce } from './model';
import { parseRoute, type Route } from './route';
import { SignIn } from './sign-in';
import { Failure } from './ui/notice';
import { asApiError, type Shell, ShellContext } from './ui/shell';
import { Once } from './views/secret-once';
import { View } from './views/view';

/** What the page is given. */
export interface AppProps {
  readonly api: Api;
  readonly now: () => number;
  /** Names who hears that the session is over. */
  readonly onEnd: (listener: () => void) => void;
}

type State =
  | { readonly kind: 'starting' }
  | { readonly kind: 'away'; readonly error: ReturnType<typeof asApiError> }
  | { readonly kind: 'out'; readonly why: string }
  | { readonly kind: 'in'; readonly session: SessionView };

/** The page: who is signed in, and where. Signing in again leads back to the place that was left. */
export function App({ api, now, onEnd }: AppProps) {
  const [state, setState] = useState<State>({ kind: 'starting' });
  const [said, setSaid] = useState<Said>({ text: '', at: 0 });
  const [once, setOnce] = useState<readonly ShownOnce[]>([]);
  const [drafts] = useState(() => new Map<string, unknown>());
  const route = useRoute();
  const start = useCallback(() => {
    api.session().then(
      (session) => setState(session === null ? { kind: 'out', why: '' } : { kind: 'in', session }),
      (fault: unknown) => setState({ kind: 'away', error: asApiError(fault) }),
    );
  }, [api]);
  useEffect(() => {
    onEnd(() => setState({ kind: 'out', why: 'Your session has ended. Sign in to go on where you were.' }));
    start();
  }, [onEnd, start]);
  const out = useCallback((why: string) => setState({ kind: 'out', why }), []);
  const session = state.kind === 'in' ? state.session : null;
  const say = useCallback((text: string) => setSaid(({ at }) => ({ text, at: at + 1 })), []);
  const showOnce = useCallback((shown: ShownOnce) => setOnce((before) => [...before, shown]), []);
  const shell = useMemo<Shell | null>(
    () => (session === null ? null : { api, session, now, say, showOnce, drafts }),
    [api, session, now, say, showOnce, drafts],
  );
  const [shown, ...later] = once;
  const kept = (): void => {
    setOnce(later);
    if (shown?.kind === 'client_secret' && shown.next !== null) location.hash = shown.next;
  };
  if (state.kind === 'starting') return <div class="loading page" />;
  if (state.kind === 'away') {
    return (
      <main class="gate">
        <Failure error={state.error} retry={start} />
      </main>
    );
  }
  if (state.kind === 'out' || shell === null) {
    const why = state.kind === 'out' ? state.why : '';
    return <SignIn api={api} now={now} why={why} done={(fresh) => setState({ kind: 'in', session: fresh })} />;
  }
  return (
    <ShellContext.Provider value={shell}>
      <Frame route={route} signedOut={() => out('You have signed out.')}>
        <View route={route} />
      </Frame>
      <Toast said={said} clear={() => say('')} />
      {shown !== undefined && <Once key={secretOf(shown)} shown={shown} close={kept} />}
      <Idle ended={() => out('You were signed out, because nothing was done for a while.')} />
    </ShellContext.Provider>
  );
}

const TOAST_MS = 6_000; // read at leisure, gone before it is in the way

function secretOf(shown: ShownOnce): string {
  return shown.kind === 'client_secret' ? shown.clientSecret : shown.token;
}

/** What was said last, and which one that was: the same words twice are two messages. */
interface Said {
  readonly text: string;
  readonly at: number;
}

/** The result of what was done last. It is always there, since a live region must exist before its words. */
function Toast({ said: { text, at }, clear }: { said: Said; clear: () => void }) {
  const latest = useRef(clear);
  latest.current = clear;
  useEffect(() => {
    if (text === '') return;
    const timer = setTimeout(() => latest.current(), TOAST_MS);
    return () => clearTimeout(timer);
  }, [text, at]);
  return (
    <div class="toasts" role="status">
      {text !== '' && (
        <p key={at} class="toast">
          {text}
        </p>
      )}
    </div>
  );
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
