import type { NewSecret } from '../model';
import { CopyButton, Masked, saveFile } from '../ui/copy';
import { Dialog } from '../ui/dialog';
import { Notice } from '../ui/notice';
import { useShell } from '../ui/shell';
import { TestToken } from './test-token';

/** What the dialog is given. */
export interface SecretOnceProps {
  readonly made: NewSecret;
  /** Resources that the client has scopes for. */
  readonly resources: readonly string[];
  /** True for a client that must prove a key for each token. */
  readonly dpop: boolean;
  /** Forgets the secret. */
  readonly close: () => void;
}

/** Shows a new client secret, the only time that anybody can see it. */
export function SecretOnce({ made, resources, dpop, close }: SecretOnceProps) {
  const { session } = useShell();
  const file = envFile(made, session.issuer);
  const save = (): void => saveFile(`${made.clientId}.env`, new Blob([file], { type: 'text/plain' }));
  return (
    <Dialog title="Keep this secret now" close={close} dismissible={false}>
      <div class="body">
        <Notice tone="wait">
          <p>It is shown this once. The server keeps only a fingerprint of it, so nobody can show it again.</p>
        </Notice>
        <dl class="facts one">
          <div>
            <dt>Client id</dt>
            <dd class="inline">
              <code>{made.clientId}</code> <CopyButton text={() => made.clientId} what="the client id" />
            </dd>
          </div>
          <div>
            <dt>Client secret</dt>
            <dd>
              <Masked value={made.clientSecret} what="the client secret" />
            </dd>
          </div>
        </dl>
        <div class="buttons">
          <button type="button" onClick={save}>
            Download as .env
          </button>
          <CopyButton text={() => file} label="Copy as .env" what="id, secret and server" />
        </div>
        <details>
          <summary>Test it now</summary>
          <TestToken clientId={made.clientId} clientSecret={made.clientSecret} resources={resources} dpop={dpop} />
        </details>
      </div>
      <footer>
        <button type="button" class="primary" onClick={close}>
          I have kept it
        </button>
      </footer>
    </Dialog>
  );
}

/** The settings that crypto-client takes, as a file. */
export function envFile({ clientId, clientSecret }: NewSecret, issuer: string): string {
  return `CLIENT_ID=${clientId}\nCLIENT_SECRET=${clientSecret}\nCRYPTO_SERVER_URL=${issuer}\n`;
}
