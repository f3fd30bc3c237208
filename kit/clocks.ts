/** Clocks of the servers of one installation may be this far apart, in milliseconds. */
export const CLOCKS_APART_MS = 60_000;
