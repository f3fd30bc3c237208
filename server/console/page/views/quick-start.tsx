import { useState } from 'preact/hooks';
import type { ClientView } from '../../../admin/contract';
import { clientHref } from '../route';
import { CERTIFICATE_FILES, factsOf, KEY_FILE } from '../snippets/facts';
import { LANGUAGES, type Language, snippetFor } from '../snippets/snippets';
import { CodeBlock } from '../ui/copy';
import { SelectField } from '../ui/form';
import { Notice } from '../ui/notice';
import { useShell } from '../ui/shell';
import { Tabs } from '../ui/tabs';
import { TestToken } from './test-token';
import { hasSecrets, resourceFirst } from './words';

/** Code to start with, filled in for this client, and a try with its secret. */
export function QuickStart({ client }: { client: ClientView }) {
  const { session } = useShell();
  const resources = Object.keys(client.grants);
  const [resource, setResource] = useState(resourceFirst(client, session.issuer));
  return (
    <>
      {resources.length === 0 && (
        <Notice tone="wait">
          <p>
            No scope is granted, so it gets no token.{' '}
            <a href={clientHref(client.client_id, 'access')}>Grant it some access</a>
          </p>
        </Notice>
      )}
      {resources.length > 1 && (
        <SelectField
          label="Resource"
          value={resource}
          set={setResource}
          options={resources.map((one) => [one, one] as const)}
          hint="What the token is for. A token is for one resource."
        />
      )}
      <Code client={client} resource={resource} />
      <section class="card" aria-labelledby="test-heading">
        <h2 id="test-heading">Test it here</h2>
        <Test client={client} resource={resource} />
      </section>
    </>
  );
}

function Code({ client, resource }: { client: ClientView; resource: string }) {
  const { session } = useShell();
  const [language, setLanguage] = useState<Language>('curl');
  const facts = factsOf(client, session.issuer, resource);
  return (
    <section class="card" aria-labelledby="code-heading">
      <h2 id="code-heading">Code</h2>
      <p>
        It obtains a token and uses it. {facts.proof.kind === 'secret' && <Secret clientId={client.client_id} />}
        {facts.proof.kind === 'key' && (
          <>
            The private key of the client is read from <code>{KEY_FILE}</code>.{' '}
          </>
        )}
        {facts.certificate && (
          <>
            Its certificate is read from <code>{CERTIFICATE_FILES.cert}</code>, with the key in{' '}
            <code>{CERTIFICATE_FILES.key}</code>.{' '}
          </>
        )}
        {facts.dpop && 'A key for DPoP is made for each run.'}
      </p>
      {facts.certificate && session.issuer.startsWith('http:') && (
        <Notice tone="wait">
          <p>A certificate needs https, which this server is not reached by: put a proxy in front that ends TLS.</p>
        </Notice>
      )}
      <Tabs label="Language" tabs={LANGUAGES} chosen={language} choose={setLanguage}>
        <CodeBlock code={snippetFor(language, facts)} what={LANGUAGES[language]} />
      </Tabs>
    </section>
  );
}

function Secret({ clientId }: { clientId: string }) {
  return (
    <>
      The secret is read from the variable <code>CLIENT_SECRET</code>; with the downloaded file,{' '}
      <code>set -a; . ./{clientId}.env; set +a</code> sets it.{' '}
    </>
  );
}

function Test({ client, resource }: { client: ClientView; resource: string }) {
  if (!hasSecrets(client.auth_method))
    return (
      <p class="quiet">The key or certificate of this client never comes here, so only its own code can try it.</p>
    );
  if (client.certificate_bound)
    return (
      <p class="quiet">
        Its tokens are bound to its certificate, which never comes here, so only its own code can try it.
      </p>
    );
  return <TestToken client={client} clientSecret={null} resource={resource} />;
}
