import type { ComponentChildren } from 'preact';
import { clientHref, placeHref } from '../route';
import { TimeAgo } from '../time';
import { Notice } from '../ui/notice';
import { useShell } from '../ui/shell';
import type { ClientTabProps } from './client-tab';
import { AUTH_METHODS, hasSecrets, plain, secretSummary, secretWarning } from './words';

/** What there is to know of a client at a glance. */
export function Overview({ client }: ClientTabProps) {
  const { now } = useShell();
  const { text } = secretSummary(client, now());
  const warning = secretWarning(client, now());
  const bound = [client.dpop_bound && 'a DPoP key', client.certificate_bound && 'a certificate'].filter(Boolean);
  return (
    <>
      {!client.is_active && (
        <Notice tone="bad">
          <p>
            This client is disabled: it gets no tokens, and those it had are refused.{' '}
            <a href={clientHref(client.client_id, 'danger')}>Enable it</a>
          </p>
        </Notice>
      )}
      {warning !== null && (
        <Notice tone="wait">
          <p>
            {warning} <a href={clientHref(client.client_id, 'secrets')}>Its secrets</a>
          </p>
        </Notice>
      )}
      <dl class="facts card">
        <Fact name="Last used">
          <TimeAgo at={client.last_used_at} />
        </Fact>
        <Fact name="Tokens issued">{client.tokens_issued.toLocaleString()}</Fact>
        <Fact name="Created">
          <TimeAgo at={client.created_at} />
        </Fact>
        <Fact name="Authentication">
          {AUTH_METHODS[client.auth_method]}
          <small>
            <code>{client.auth_method}</code>
          </small>
        </Fact>
        {hasSecrets(client.auth_method) && <Fact name="Newest secret">{text}</Fact>}
        <Fact name="Tokens bound to">{bound.length === 0 ? 'Nothing (bearer)' : bound.join(' and ')}</Fact>
        <Fact name="Limit of API calls">{client.limits.api ?? 'The server’s'}</Fact>
        <Fact name="Limit of token requests">{client.limits.token ?? 'The server’s'}</Fact>
        {Object.entries(client.metadata).map(([name, value]) => (
          <Fact key={name} name={plain(name)}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </Fact>
        ))}
      </dl>
      <section class="card" aria-labelledby="grants-heading">
        <h2 id="grants-heading">May use</h2>
        <Granted grants={Object.entries(client.grants)} />
      </section>
      <p>
        <a href={placeHref('audit', { client: client.client_id })}>What happened to this client</a>
      </p>
    </>
  );
}

function Granted({ grants }: { grants: readonly (readonly [string, readonly string[]])[] }) {
  if (grants.length === 0) return <p class="quiet">Nothing: no scope is granted, so it gets no token.</p>;
  return (
    <ul class="grants">
      {grants.map(([resource, scopes]) => (
        <li key={resource}>
          <code>{resource}</code>
          <span class="chips">
            {scopes.map((scope) => (
              <span key={scope} class="chip">
                {scope}
              </span>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
