import { useState } from 'preact/hooks';
import type { CredentialView } from '../model';
import { useHeard, useShell } from '../shell';
import { Dialog } from '../ui/dialog';
import { Heading } from '../ui/heading';
import { AddCredential } from './add-credential';
import { CredentialCard } from './credential-card';

/** What can be done with a credential that is there. */
export type Deed = 'use' | 'rotate' | 'remove';

type Open = { readonly deed: Deed; readonly name: string } | { readonly deed: 'add' } | null;

/** Who the client is to the servers, and changing that. */
export function CredentialsView() {
  const { words } = useShell();
  const { status } = useHeard();
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => setOpen(null);
  return (
    <section class="credentials">
      <div class="title">
        <Heading title={words.credentials.title} />
        <button type="button" class="primary" onClick={() => setOpen({ deed: 'add' })}>
          {words.credentials.add}
        </button>
      </div>
      <p class="quiet">{words.credentials.about}</p>
      {status === null ? (
        <p class="empty">{words.loading}</p>
      ) : (
        <ul class="cards">
          {status.credentials.map((credential) => (
            <li key={credential.name} class="card">
              <CredentialCard
                credential={credential}
                removable={isRemovable(credential, status.credentials)}
                ask={(deed) => setOpen({ deed, name: credential.name })}
              />
            </li>
          ))}
        </ul>
      )}
      {open?.deed === 'add' && <AddCredential close={close} />}
      {open !== null && open.deed !== 'add' && (
        <Question key={open.deed} deed={open.deed} name={open.name} close={close} />
      )}
    </section>
  );
}

/** The one in use stays while there is another, and what the environment gives can not be taken away here. */
function isRemovable({ active, origin }: CredentialView, all: readonly CredentialView[]): boolean {
  return origin !== 'environment' && (!active || all.length === 1);
}

/** Asks before it does anything, and tells when it is done. */
function Question({ deed, name, close }: { readonly deed: Deed; readonly name: string; readonly close: () => void }) {
  const { words, api, link, say } = useShell();
  const told = words.credentials;
  const { title, text, done, act } = {
    use: { title: told.useTitle, text: told.useText, done: told.used, act: () => api.useCredential(name) },
    rotate: {
      title: told.rotateTitle,
      text: told.rotateText,
      done: told.rotatedNow,
      act: () => api.rotateCredential(name),
    },
    remove: {
      title: told.removeTitle,
      text: told.removeText,
      done: told.removed,
      act: () => api.removeCredential(name),
    },
  }[deed];
  const run = async (): Promise<void> => {
    await act();
    await link.askStatus();
    say(done(name)); // as the last thing, when what it says can be seen
  };
  return (
    <Dialog title={title(name)} verb={told[deed]} danger={deed === 'remove'} close={close} act={run}>
      <p>{text}</p>
    </Dialog>
  );
}
