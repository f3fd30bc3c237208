import type { CredentialView } from '../model';
import { useShell } from '../shell';
import { Facts, Said } from '../ui/facts';
import { useMoments } from '../ui/moment';
import type { Deed } from './credentials';

/** What a card is given. */
export interface CredentialCardProps {
  readonly credential: CredentialView;
  readonly removable: boolean;
  readonly ask: (deed: Deed) => void;
}

/** One credential, and what can be done with it. */
export function CredentialCard({ credential, removable, ask }: CredentialCardProps) {
  const { words } = useShell();
  const { tell } = useMoments();
  const told = words.credentials;
  const { name, active, secret, renewal } = credential;
  const error = credential.last_error ?? renewal.last_error ?? secret?.last_error ?? null;
  const deeds: readonly (readonly [Deed, boolean])[] = [
    ['use', !active],
    ['rotate', secret !== null && credential.registered && credential.origin !== 'environment'],
    ['remove', removable],
  ];
  return (
    <>
      <h2>
        {name} {active && <span class="badge">{told.active}</span>}
      </h2>
      <Facts
        facts={[
          [words.status.clientId, credential.client_id ?? told.unregistered],
          [
            told.origin,
            `${told.origins[credential.origin]}, ${credential.registered ? told.registered : told.unregistered}`,
          ],
          [told.method, `${told.methods[credential.method]}${credential.dpop ? `, ${told.dpop}` : ''}`],
          [
            told.token,
            credential.token_expires_at === null ? told.noToken : <TokenEnd at={credential.token_expires_at} />,
          ],
          [words.status.lastRenewal, tell(renewal.last_at)],
          [words.status.nextRenewal, tell(renewal.next_at)],
          [told.secret, secret === null ? null : <SecretLine secret={secret} />],
          [words.status.scope, credential.token_scope ?? credential.scope],
          [told.servers, credential.servers.join(', ')],
          [words.status.lastError, error === null ? null : <Said text={error} />],
        ]}
      />
      <div class="buttons">
        {deeds.map(
          ([deed, possible]) =>
            possible && (
              <button key={deed} type="button" aria-label={told.of(told[deed], name)} onClick={() => ask(deed)}>
                {told[deed]}
              </button>
            ),
        )}
      </div>
    </>
  );
}

function TokenEnd({ at }: { readonly at: string }) {
  const { words, format } = useShell();
  const { until } = useMoments();
  return <>{words.credentials.tokenEnds(format.duration(until(at)))}</>;
}

function SecretLine({ secret }: { readonly secret: NonNullable<CredentialView['secret']> }) {
  const { words, format } = useShell();
  const { tell } = useMoments();
  const told = words.credentials;
  const parts = [
    told.secrets(format.count(secret.count), secret.count),
    secret.expires_at === null ? told.neverExpires : told.expires(tell(secret.expires_at)),
    ...(secret.rotated_at === null ? [] : [told.rotated(tell(secret.rotated_at))]),
    ...(secret.next_rotation_at === null ? [] : [told.nextRotation(tell(secret.next_rotation_at))]),
  ];
  return <>{parts.join(', ')}</>;
}
