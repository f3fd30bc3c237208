import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { PLACES, type Place, placeHref, type Route } from './route';
import { Failure } from './ui/notice';
import { useAction, useShell } from './ui/shell';

/** The sign of the product. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <circle cx="12" cy="16" r="5" fill="none" class="mark-line" />
      <path d="M17 16h9m-3.5 0v4.5m-4-4.5v3" fill="none" class="mark-line" />
    </svg>
  );
}

/** Navigation on the left (above, where there is no room), the view in the middle. */
export function Frame({
  route,
  signedOut,
  children,
}: {
  route: Route;
  signedOut: () => void;
  children: ComponentChildren;
}) {
  const { api, session } = useShell();
  const [open, setOpen] = useState(false);
  const action = useAction();
  useEffect(() => setOpen(false), [route]); // going elsewhere closes the menu
  const here = placeOf(route);
  const skip = (): void => {
    // Not a link: the address holds the place.
    document.querySelector<HTMLElement>('#main h1')?.focus();
  };
  const signOut = (): Promise<void> =>
    action.run(async () => {
      await api.signOut();
      signedOut();
    });
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <header class="side">
        <div class="brand">
          <Mark />
          <span>
            crypto-server
            <small title={session.issuer}>{session.issuer.replace(/^https?:\/\//, '')}</small>
          </span>
          <button type="button" class="menu" aria-expanded={open} aria-controls="places" onClick={() => setOpen(!open)}>
            Menu
          </button>
        </div>
        <div id="places" class="places" data-open={open}>
          <nav aria-label="Console">
            <ul>
              {(Object.entries(PLACES) as [Place, string][]).map(([place, name]) => (
                <li key={place}>
                  <a href={placeHref(place)} aria-current={here === place ? 'page' : undefined}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <div class="side-end">
            <a href="/docs">API documentation</a>
            <button type="button" disabled={action.busy} onClick={() => void signOut()}>
              Sign out
            </button>
            <Failure error={action.error} />
            <small>Version {session.version}</small>
          </div>
        </div>
      </header>
      <main id="main">{children}</main>
    </div>
  );
}

function placeOf(route: Route): Place | null {
  if (route.view === 'nowhere') return null;
  return route.view === 'client' || route.view === 'new-client' ? 'clients' : route.view;
}
