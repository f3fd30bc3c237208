import { unknownClient } from '../clients/secret-management';
import { isClientId } from '../oauth/client';

/** The `client_id` of a path. @throws Problem 404 for what can be none. */
export function readClientId(text: string): string {
  if (isClientId(text)) return text;
  throw unknownClient();
}
