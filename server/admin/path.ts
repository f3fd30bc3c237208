import { Problem } from '../../kit/http/problem';
import { isClientId } from '../clients/model';

/** The `client_id` of a path. @throws Problem 404 for what can be none. */
export function readClientId(text: string): string {
  if (isClientId(text)) return text;
  throw new Problem(404, 'Not Found', 'There is no client with this client_id.');
}
