// What the page says beside the types of the admin API.
import type { ClientView } from '../../admin/contract';

/** A list that may go on. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor?: string | null;
}

/** A secret that was just made: the only time it is told. */
export type ShownOnce =
  | {
      readonly kind: 'client_secret';
      readonly client: ClientView;
      readonly clientSecret: string;
      /** Where to go when it is kept; null: stay. */
      readonly next: string | null;
    }
  | { readonly kind: 'registration_token'; readonly token: string };
