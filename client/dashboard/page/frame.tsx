import type { ComponentChildren } from 'preact';
import { type Connection, describeConnection } from './connection';
import { PLACES, type Route } from './route';
import { useAction, useHeard, useSecond, useShell } from './shell';
import { Failure } from './ui/failure';
import { Mark } from './ui/mark';
import { Switches } from './ui/switches';

/** What stands around every view. */
export interface FrameProps {
  readonly route: Route;
  /** Null where there is no password. */
  readonly signOut: (() => Promise<void>) | null;
  readonly children: ComponentChildren;
}

/** Navigation and connection above, the view below. */
export function Frame({ route, signOut, children }: FrameProps) {
  const { words, preferences, prefer } = useShell();
  const action = useAction();
  const heard = useHeard();
  const here = route.view === 'currency' ? 'market' : route.view;
  const skip = (): void => document.querySelector<HTMLElement>('#main h1')?.focus(); // not a link: the address holds the place
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        {words.skip}
      </button>
      <header class="top">
        <div class="brand">
          <Mark />
          <span>crypto-client</span>
        </div>
        <nav aria-label={words.navigation}>
          {(Object.keys(PLACES) as (keyof typeof PLACES)[]).map((place) => (
            <a key={place} href={PLACES[place]} aria-current={here === place ? 'page' : undefined}>
              {words.places[place]}
            </a>
          ))}
        </nav>
        <ConnectionSign />
        <Printed />
      </header>
      <main id="main">
        <ConnectionNotice />
        {children}
      </main>
      <footer class="bottom">
        <Switches words={words} preferences={preferences} prefer={prefer} />
        <a href="/docs">{words.apiDocs}</a>
        {signOut !== null && (
          <button type="button" class="plain" disabled={action.busy} onClick={() => void action.run(signOut)}>
            {words.signOut}
          </button>
        )}
        {heard.status !== null && <span class="quiet">{words.version(heard.status.version)}</span>}
        <Failure error={action.error} />
      </footer>
    </>
  );
}

/** On paper alone: when that was, without which an age says nothing. */
function Printed() {
  const { words, format } = useShell();
  const { clientStartMs } = useHeard();
  const elapsedMs = useSecond();
  return <p class="printed">{words.printed(format.dateTime(clientStartMs + elapsedMs))}</p>;
}

function useConnection(): Connection {
  const heard = useHeard();
  return describeConnection(heard, useSecond());
}

/** State and age, always in sight. What a screen reader is told is the state alone, when it changes. */
function ConnectionSign() {
  const { words, format } = useShell();
  const { kind, ageSeconds } = useConnection();
  return (
    <a class="sign" href={PLACES.connection} data-kind={kind}>
      <span class="dot" />
      <strong role="status">{words.connection[kind]}</strong>
      <span class="age">{ageSeconds === null ? words.noData : words.dataAge(format.duration(ageSeconds))}</span>
    </a>
  );
}

/** What is wrong, since when the next attempt is known when that is, and why. */
function ConnectionNotice() {
  const { words, format, link } = useShell();
  const { kind, nextInSeconds, error } = useConnection();
  if (kind === 'live' || kind === 'connecting' || kind === 'starting') return null;
  return (
    <div class="notice" data-kind={kind}>
      <p>
        {words.connectionTold[kind]}{' '}
        <span class="countdown">
          {nextInSeconds === null ? words.attempting : words.nextIn(format.duration(nextInSeconds))}
        </span>
      </p>
      {error !== null && (
        <p class="quiet">
          {words.said}: <span lang="en">{error}</span>
        </p>
      )}
      {kind === 'lost' && (
        <button type="button" onClick={() => link.retry()}>
          {words.tryNow}
        </button>
      )}
    </div>
  );
}
