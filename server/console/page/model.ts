// What the page says beside the types of the admin API.

/** A list that may go on. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor?: string | null;
}

/** A secret that was just made: the only time it is told. */
export interface NewSecret {
  readonly clientId: string;
  readonly clientSecret: string;
}
