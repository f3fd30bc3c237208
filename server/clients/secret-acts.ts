import { readRowNumber } from '../../kit/http/row-number';
import type { EventDetails, Tell } from '../oauth/event';
import type { SecretView } from './model';
import type { SecretManagement } from './secret-management';
import { type RotatedSecret, type RotationBody, rotatedAnswer, rotationOf } from './secret-model';
import type { Updated } from './updates';

/** Whose secrets, who changes them, and by which request. */
export interface Act {
  readonly clientId: string;
  readonly actor: string;
  readonly request: Request;
}

/** Changes of secrets, done and told in one way, whoever may make them. Errors as in {@link SecretManagement}. */
export interface SecretActs {
  rotate(act: Act, body: RotationBody): Promise<RotatedSecret>;
  /** @throws Problem 404 for what is no number of a secret. */
  revoke(act: Act, secretId: string): Promise<void>;
}

/** Changes secrets and tells the operator before they are answered. */
export function createSecretActs(options: {
  readonly secrets: Pick<SecretManagement, 'rotate' | 'revoke'>;
  readonly tell: Tell;
}): SecretActs {
  const { secrets, tell } = options;
  return {
    rotate: async (act, body) => {
      const rotation = rotationOf(body);
      const made = await secrets.rotate(act.clientId, rotation);
      await tellOfSecret(tell, act, 'secret_created', made.secret, { overlap_seconds: rotation.overlapSeconds });
      return rotatedAnswer(act.clientId, made);
    },
    revoke: async (act, secretId) => {
      const secret = await secrets.revoke(act.clientId, readRowNumber(secretId, 'secret of this client'));
      await tellOfSecret(tell, act, 'secret_revoked', secret);
    },
  };
}

/** What the operator is told of a change of a client, and of the secrets that it lost or got by it. */
export async function tellOfUpdate(tell: Tell, act: Act, { changes, revoked, made }: Updated): Promise<void> {
  const { clientId, actor, request } = act;
  const told = [
    ...(changes
      ? [tell({ event: 'client_updated', outcome: 'success', actor, clientId, details: changes }, request)]
      : []),
    ...revoked.map((secret) => tellOfSecret(tell, act, 'secret_revoked', secret)),
    ...(made ? [tellOfSecret(tell, act, 'secret_created', made.secret)] : []),
  ];
  await Promise.all(told);
}

/** What the operator is told of a secret: which one, and never the secret itself. */
export function tellOfSecret(
  tell: Tell,
  { clientId, actor, request }: Act,
  event: 'secret_created' | 'secret_revoked',
  { id, label, expires_at }: SecretView,
  more: EventDetails = {},
): Promise<void> {
  const details = { secret_id: id, label, expires_at, ...more };
  return tell({ event, outcome: 'success', actor, clientId, details }, request);
}
