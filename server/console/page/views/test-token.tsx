import { useState } from 'preact/hooks';
import type { ClientView } from '../../../admin/contract';
import { Time } from '../time';
import { requestToken, type TokenFound } from '../token';
import { Masked } from '../ui/copy';
import { Failure } from '../ui/notice';
import { useAction, useShell } from '../ui/shell';

/** What the test is given. */
export interface TestTokenProps {
  /** One that has secrets, and whose tokens are not bound to a certificate. */
  readonly client: ClientView;
  /** The secret that was just made; null: it is asked for. */
  readonly clientSecret: string | null;
  readonly resource: string;
}

/** Obtains a token as the client would, and shows what is in it. */
export function TestToken({ client, clientSecret, resource }: TestTokenProps) {
  const { session, now } = useShell();
  const [typed, setTyped] = useState('');
  const [found, setFound] = useState<TokenFound | null>(null);
  const action = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    setFound(null);
    void action.run(async () => {
      const { client_id: clientId, dpop_bound: dpop } = client;
      const secret = clientSecret ?? typed;
      setFound(await requestToken({ clientId, clientSecret: secret, resource, dpop, now, issuer: session.issuer }));
    });
  };
  return (
    <form class="test-token" onSubmit={submit}>
      {clientSecret === null && (
        <div class="field">
          <label for="test-secret">Client secret</label>
          <input
            id="test-secret"
            type="password"
            autoComplete="off"
            required
            value={typed}
            aria-describedby="test-secret-hint"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <p class="hint" id="test-secret-hint">
            It goes to this server’s token endpoint and is forgotten when you leave this page.
          </p>
        </div>
      )}
      <button type="submit" disabled={action.busy}>
        Get a test token
      </button>
      <Failure error={action.error} />
      <div aria-live="polite">{found !== null && <Found found={found} />}</div>
    </form>
  );
}

function Found({ found }: { found: TokenFound }) {
  return (
    <div class="found">
      <p>
        <strong>It works.</strong> A {found.type} token, good for {Math.round(found.expiresInSeconds / 60)} minutes.
      </p>
      <Masked value={found.token} what="the access token" />
      <Parts name="Header" parts={found.header} />
      <Parts name="Claims" parts={found.claims} />
    </div>
  );
}

/** Claims that are seconds since the epoch (RFC 7519 §4.1). */
const MOMENTS = new Set(['exp', 'iat', 'nbf']);

function Parts({ name, parts }: { name: string; parts: Readonly<Record<string, unknown>> }) {
  return (
    <section aria-label={name}>
      <h3>{name}</h3>
      <dl class="parts">
        {Object.entries(parts).map(([key, value]) => (
          <div key={key}>
            <dt>
              <code>{key}</code>
            </dt>
            <dd>
              {MOMENTS.has(key) && typeof value === 'number' ? (
                <Time at={new Date(value * 1000).toISOString()} seconds />
              ) : (
                <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
