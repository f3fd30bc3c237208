import { dataAgeSeconds } from '../connection';
import type { Heard } from '../link';
import type { ServerView, Status } from '../model';
import { useHeard, useSecond, useShell } from '../shell';
import { Facts, Said } from '../ui/facts';
import { Heading } from '../ui/heading';
import { useMoments } from '../ui/moment';

/** The whole way: this page, the client's stream, its token, the servers. */
export function ConnectionView() {
  const { words } = useShell();
  const heard = useHeard();
  const { status } = heard;
  return (
    <section class="connection">
      <Heading title={words.status.title} />
      {status === null ? (
        <p class="empty">{words.loading}</p>
      ) : (
        <>
          <div class="cards">
            <StreamCard heard={heard} status={status} />
            <TokenCard status={status} />
          </div>
          <Servers servers={status.servers} />
        </>
      )}
    </section>
  );
}

function StreamCard({ heard, status: { stream } }: { readonly heard: Heard; readonly status: Status }) {
  const { words, format } = useShell();
  const elapsedMs = useSecond();
  const { tell } = useMoments();
  const told = words.status;
  const ageSeconds = dataAgeSeconds(heard, elapsedMs);
  const page = {
    open: told.pageOpen,
    asking: told.pageAsking,
    lost: told.pageLost,
    connecting: words.connectionTold.connecting,
  };
  return (
    <article class="card">
      <h2>{told.stream}</h2>
      <Facts
        facts={[
          [told.state, <State key="state" kind={stream.state} text={words.connection[stream.state]} />],
          [told.age, ageSeconds === null ? words.noData : format.duration(ageSeconds)],
          [told.transport, stream.transport === null ? null : told.transports[stream.transport]],
          [told.since, stream.since === null ? null : tell(stream.since)],
          [told.sequence, stream.seq === null ? null : format.count(stream.seq)],
          [told.nextAttempt, stream.next_attempt_at === null ? null : tell(stream.next_attempt_at)],
          [told.lastError, stream.last_error === null ? null : <Said key="said" text={stream.last_error} />],
          [told.page, page[heard.link.kind]],
        ]}
      />
    </article>
  );
}

function TokenCard({ status: { credentials, credential_name } }: { readonly status: Status }) {
  const { words, format } = useShell();
  const { tell, until } = useMoments();
  const told = words.status;
  const active = credentials.find(({ name }) => name === credential_name);
  if (active === undefined) return null;
  const { renewal } = active;
  const error = renewal.last_error ?? active.last_error;
  return (
    <article class="card">
      <h2>{told.token}</h2>
      <Facts
        facts={[
          [told.credential, active.name],
          [told.clientId, active.client_id ?? words.credentials.unregistered],
          [
            told.endsIn,
            active.token_expires_at === null
              ? words.credentials.noToken
              : format.duration(until(active.token_expires_at)),
          ],
          [told.lastRenewal, tell(renewal.last_at)],
          [told.nextRenewal, tell(renewal.next_at)],
          [told.scope, active.token_scope],
          [told.lastError, error === null ? words.none : <Said key="said" text={error} />],
        ]}
      />
    </article>
  );
}

function Servers({ servers }: { readonly servers: readonly ServerView[] }) {
  const { words, format } = useShell();
  const { tell } = useMoments();
  const told = words.status;
  return (
    <>
      <h2>{told.servers}</h2>
      {servers.length === 0 && <p class="empty">{told.noServers}</p>}
      <ul class="servers">
        {servers.map((server) => (
          <li key={server.url} class="card">
            <h3>{server.url}</h3>
            <Facts
              facts={[
                [told.state, <State key="state" kind={server.state} text={told.serverStates[server.state]} />],
                [told.circuit, told.circuits[server.circuit]],
                [told.latency, server.latency_ms === null ? '–' : format.milliseconds(server.latency_ms)],
                [told.inFlight, format.count(server.in_flight)],
                [told.lastOk, tell(server.last_ok_at)],
                [told.nextAttempt, server.next_attempt_at === null ? null : tell(server.next_attempt_at)],
                [told.lastError, server.last_error === null ? null : <Said key="said" text={server.last_error} />],
              ]}
            />
          </li>
        ))}
      </ul>
    </>
  );
}

function State({ kind, text }: { readonly kind: string; readonly text: string }) {
  return (
    <span class="state" data-kind={kind}>
      <span class="dot" />
      {text}
    </span>
  );
}
