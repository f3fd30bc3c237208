import { json, pairs } from '../../kit/text';
import type { CliProcess } from './api';

/**
 * Prints a secret that was just made; null: the client needs none. `whole` is printed as JSON in its place, unless null. The secret
 * alone is the result; what must be said about it goes elsewhere, so that a script can take the one.
 */
export function printSecret({ write }: CliProcess, id: string, secret: string | null, whole: unknown): void {
  if (secret !== null) write.err('Keep the secret now: it is shown this once, and cannot be read again.\n');
  const named = pairs([
    ['client_id', id],
    ['client_secret', secret],
  ]);
  write.out(whole === null ? named : json(whole));
}
