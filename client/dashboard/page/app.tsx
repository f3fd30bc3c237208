import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { type Api, createApi } from './api';
import { createFormat } from './format';
import { Frame } from './frame';
import { createLink, type Link, type LinkDeps } from './link';
import { createMarket, type Market } from './market';
import { applyPreferences, type Preferences, readPreferences } from './preferences';
import { parseRoute, type Route } from './route';
import { createSeeds, type Seeds } from './seeds';
import { type Shell, ShellContext } from './shell';
import { SignIn } from './sign-in';
import { WHOLE_TABLE } from './table';
import { View } from './views/view';
import { en } from './words/en';
import { pl } from './words/pl';

/** What the page is given. */
export type AppProps = Pick<LinkDeps, 'now' | 'elapsed' | 'open' | 'schedule'>;

/** What lives from one sign-in to its end. */
interface Living {
  readonly api: Api;
  readonly market: Market;
  readonly link: Link;
  readonly seeds: Seeds;
  readonly table: Shell['table'];
}

type State =
  | { readonly kind: 'starting' }
  /** `ended`: there was a session before. */
  | { readonly kind: 'out'; readonly ended: boolean }
  | { readonly kind: 'in'; readonly guarded: boolean };

const WORDS = { en, pl };

/** The page: who looks at it, and where. Signing in again leads back to the place that was left. */
export function App(props: AppProps) {
  const [preferences, prefer] = usePreferences();
  const [state, setState] = useState<State>({ kind: 'starting' });
  const [said, setSaid] = useState<Said>({ text: '', at: 0 });
  const route = useRoute();
  const api = useMemo(() => createApi(() => setState({ kind: 'out', ended: true })), []);
  const living = useLiving(api, state.kind === 'in', props, () => setState({ kind: 'out', ended: true }));
  const begin = useCallback(() => {
    api.session().then(
      ({ required, signed_in }) =>
        setState(required && !signed_in ? { kind: 'out', ended: false } : { kind: 'in', guarded: required }),
      // The link says that it is away, and tries again.
      () => setState({ kind: 'in', guarded: false }),
    );
  }, [api]);
  useEffect(begin, [begin]);
  const say = useCallback((text: string) => setSaid(({ at }) => ({ text, at: at + 1 })), []);
  const { language } = preferences;
  const shell = useMemo(() => {
    const shown = { api, words: WORDS[language], format: createFormat(language), preferences, prefer, say };
    return { ...shown, elapsed: props.elapsed };
  }, [api, language, preferences]);
  if (state.kind === 'starting') return <p class="starting">{shell.words.loading}</p>;
  if (state.kind === 'out') {
    const { words, format } = shell;
    return (
      <SignIn
        api={api}
        words={words}
        format={format}
        preferences={preferences}
        prefer={prefer}
        ended={state.ended}
        done={begin}
      />
    );
  }
  if (living === null) return null;
  const signOut = async (): Promise<void> => {
    await api.signOut();
    setState({ kind: 'out', ended: false });
  };
  const whole: Shell = { ...shell, ...living };
  return (
    <ShellContext.Provider value={whole}>
      <Frame route={route} signOut={state.guarded ? signOut : null}>
        <View route={route} />
      </Frame>
      <div class="toasts" role="status">
        {said.text !== '' && (
          <p key={said.at} class="toast">
            {said.text}
          </p>
        )}
      </div>
    </ShellContext.Provider>
  );
}

/** What was said last, and which one that was: the same words twice are two messages. */
interface Said {
  readonly text: string;
  readonly at: number;
}

/** Opens the link while somebody may look, and tries again as soon as somebody does look or there is a network. */
function useLiving(api: Api, isIn: boolean, props: AppProps, signedOut: () => void): Living | null {
  const [living, setLiving] = useState<Living | null>(null);
  useEffect(() => {
    if (!isIn) return;
    const market = createMarket(props);
    const link = createLink({ ...props, api, market, signedOut });
    const retry = (): void => {
      if (document.visibilityState === 'visible') link.retry();
    };
    document.addEventListener('visibilitychange', retry);
    addEventListener('online', retry);
    setLiving({ api, market, link, seeds: createSeeds({ api, market }), table: { current: WHOLE_TABLE } });
    return () => {
      document.removeEventListener('visibilitychange', retry);
      removeEventListener('online', retry);
      link.close();
      setLiving(null);
    };
  }, [isIn]);
  return living;
}

function usePreferences(): readonly [Preferences, (change: Partial<Preferences>) => void] {
  const [preferences, setPreferences] = useState(() => readPreferences(localStorage, navigator.languages));
  useLayoutEffect(() => applyPreferences(preferences, localStorage), [preferences]);
  const prefer = useCallback(
    (change: Partial<Preferences>) => setPreferences((before) => ({ ...before, ...change })),
    [],
  );
  return [preferences, prefer];
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
