import type { Chore } from '../../kit/chores';
import type { Sessions } from '../admin/sessions';
import type { Audit } from '../audit/service';
import type { AssertionCheck } from '../authentication/assertion';
import type { RegistrationTokens } from '../clients/registration-tokens';
import type { Clients } from '../clients/service';
import type { Tell } from '../oauth/event';
import type { HistoryRetention } from '../rates/retention';
import type { Keyring } from '../tokens/keys';
import type { Revocations } from '../tokens/revocations';
import type { Vault } from '../vault/service';

/** Those who have something to do again and again. */
export interface Busy {
  readonly clients: Pick<Clients, 'flush' | 'maintain'>;
  readonly registrationTokens: Pick<RegistrationTokens, 'prune'>;
  readonly keyring: Pick<Keyring, 'maintain'>;
  readonly vault: Pick<Vault, 'maintain'>;
  readonly revocations: Pick<Revocations, 'prune'>;
  readonly assertions: Pick<AssertionCheck, 'prune'>;
  readonly audit: Pick<Audit, 'prune'>;
  readonly retention: Pick<HistoryRetention, 'maintain'>;
  readonly administration: { readonly sessions: Pick<Sessions, 'prune'> };
  readonly tell: Tell;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** What a server does by itself. Replicas hear of each other's changes; this is for what time alone makes due. */
export function choresOf({
  administration,
  clients,
  keyring,
  vault,
  revocations,
  audit,
  retention,
  assertions,
  registrationTokens,
  tell,
}: Busy): Chore[] {
  return [
    { name: 'writing down what was used', everyMs: 5 * SECOND_MS, run: clients.flush, atEnd: true },
    { name: 'turning signing keys over', everyMs: 10 * SECOND_MS, run: keyring.maintain },
    // A server that still has the previous key-encryption key alone may go on for the time of a restart.
    { name: 'encrypting anew', everyMs: MINUTE_MS, run: async () => tellReencrypted(tell, await vault.maintain()) },
    { name: 'looking after secrets', everyMs: MINUTE_MS, run: () => clients.maintain(tell) },
    { name: 'forgetting revoked tokens that have long ended', everyMs: MINUTE_MS, run: revocations.prune },
    { name: 'forgetting assertions that have ended', everyMs: MINUTE_MS, run: assertions.prune },
    {
      name: 'forgetting registration tokens that have ended',
      everyMs: 60 * MINUTE_MS,
      run: registrationTokens.prune,
    },
    { name: 'forgetting sessions that have ended', everyMs: 10 * MINUTE_MS, run: administration.sessions.prune },
    { name: 'the retention of the audit trail', everyMs: MINUTE_MS, run: audit.prune },
    { name: 'the retention of ticks and candles', everyMs: MINUTE_MS, run: retention.maintain },
  ];
}

/** Tells that `count` rows were sealed under another key-encryption key, if any were. */
export async function tellReencrypted(tell: Tell, count: number): Promise<void> {
  if (count > 0)
    await tell({ event: 'keys_reencrypted', outcome: 'success', actor: 'server', details: { count } }, null);
}
