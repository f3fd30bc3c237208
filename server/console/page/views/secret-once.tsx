import { useEffect } from 'preact/hooks';
import type { ShownOnce } from '../model';
import { CopyButton, Masked } from '../ui/copy';
import { Dialog } from '../ui/dialog';
import { Notice } from '../ui/notice';
import { saveText } from '../ui/save';
import { useShell } from '../ui/shell';
import { TestToken } from './test-token';
import { resourceFirst } from './words';

/** What the dialog is given. */
export interface OnceProps {
  readonly shown: ShownOnce;
  /** Forgets the secret. */
  readonly close: () => void;
}

/** Shows a secret that was just made, the only time that anybody can see it; whoever leaves the page is asked first. */
export function Once({ shown, close }: OnceProps) {
  useEffect(() => {
    const ask = (event: Event): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, []);
  const isClient = shown.kind === 'client_secret';
  return (
    <Dialog title={isClient ? 'Keep this secret now' : 'Keep this token now'} close={close} dismissible={false}>
      <div class="body">
        <Notice tone="wait">
          <p>It is shown this once. The server keeps only a fingerprint of it, so nobody can show it again.</p>
        </Notice>
        {isClient ? <ClientSecret {...shown} /> : <Masked value={shown.token} what="the registration token" />}
      </div>
      <footer>
        <button type="button" class="primary" onClick={close}>
          I have kept it
        </button>
      </footer>
    </Dialog>
  );
}

function ClientSecret({ client, clientSecret }: ShownOnce & { kind: 'client_secret' }) {
  const { session } = useShell();
  const { client_id: clientId } = client;
  const file = envFile(clientId, clientSecret, session.issuer);
  const save = (): void => saveText(`${clientId}.env`, file);
  return (
    <>
      <dl class="facts one">
        <div>
          <dt>Client id</dt>
          <dd class="inline">
            <code>{clientId}</code> <CopyButton text={() => clientId} what="the client id" />
          </dd>
        </div>
        <div>
          <dt>Client secret</dt>
          <dd>
            <Masked value={clientSecret} what="the client secret" />
          </dd>
        </div>
      </dl>
      <div class="buttons">
        <button type="button" onClick={save}>
          Download as .env
        </button>
        <CopyButton text={() => file} label="Copy as .env" what="id, secret and server" />
      </div>
      {!client.certificate_bound && (
        <details>
          <summary>Test it now</summary>
          <TestToken client={client} clientSecret={clientSecret} resource={resourceFirst(client, session.issuer)} />
        </details>
      )}
    </>
  );
}

/** The settings that crypto-client takes, as a file. */
function envFile(clientId: string, clientSecret: string, issuer: string): string {
  return `CLIENT_ID=${clientId}\nCLIENT_SECRET=${clientSecret}\nCRYPTO_SERVER_URL=${issuer}\n`;
}
