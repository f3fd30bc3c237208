import { useState } from 'preact/hooks';
import type { ClientView } from '../../../admin/contract';
import { clientHref } from '../route';
import { snippetsFor } from '../snippets';
import { CodeBlock } from '../ui/copy';
import { SelectField } from '../ui/form';
import { Notice } from '../ui/notice';
import { useShell } from '../ui/shell';
import { TestToken } from './test-token';
import { hasSecrets } from './words';

/** Code to start with, filled in for this client, and a try with its secret. */
export function QuickStart({ client }: { client: ClientView }) {
  const { session } = useShell();
  const resources = Object.keys(client.grants);
  const rates = `${session.issuer}/api/currency`;
  const [resource, setResource] = useState(resources.includes(rates) ? rates : (resources[0] ?? rates));
  const snippets = snippetsFor({
    issuer: session.issuer,
    clientId: client.client_id,
    authMethod: client.auth_method,
    resource,
    isDefault: resource === rates,
  });
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
      {client.dpop_bound && (
        <Notice tone="plain">
          <p>
            This client must bind its tokens to a key (DPoP): the code below needs a proof beside it, as oauth4webapi’s{' '}
            <code>DPoP()</code> makes it. The test below makes one by itself.
          </p>
        </Notice>
      )}
      <section class="card" aria-labelledby="test-heading">
        <h2 id="test-heading">Test it</h2>
        {hasSecrets(client.auth_method) ? (
          <TestToken clientId={client.client_id} clientSecret={null} resources={resources} dpop={client.dpop_bound} />
        ) : (
          <p class="quiet">
            The key or certificate of this client never comes here, so only the client itself can try it.
          </p>
        )}
      </section>
      <section class="card" aria-labelledby="code-heading">
        <h2 id="code-heading">Code</h2>
        {resources.length > 1 && (
          <SelectField
            label="Resource"
            value={resource}
            set={setResource}
            options={resources.map((one) => [one, one] as const)}
          />
        )}
        {snippets.map(({ name, code }) => (
          <CodeBlock key={name} what={name} code={code} />
        ))}
      </section>
    </>
  );
}
