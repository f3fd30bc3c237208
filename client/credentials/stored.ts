import type { JWK } from 'jose';
import type { SigningKey } from '../auth/keys';

/** A name of a credential: fit for a path, a file and a command line. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The credential of who names none. */
export const DEFAULT_NAME = 'default';

/** The credential of `CLIENT_ID` and `CLIENT_SECRET`; never stored. */
export const ENVIRONMENT_NAME = 'environment';

/** More than a machine has use for; each one that is used costs memory and a timer. */
export const CREDENTIALS_MAX = 1_000;

/** A secret of a client, and what is known of it. Times in milliseconds since the epoch. */
export interface StoredSecret {
  readonly value: string;
  /** Its number at the server; null: it was not made there, or is not known yet. */
  readonly id: number | null;
  /** When this client got it. */
  readonly sinceMs: number;
  /** When the server ends it; null: never, or not known. */
  readonly expiresAtMs: number | null;
  /** True once a token was granted by it. */
  readonly worked: boolean;
}

/** A rotation that has begun, or a registration whose id the server gives: written down before the server is asked, so that whatever a rotation made can be found again by its label, and a crash is noticed. */
export interface Begun {
  readonly label: string;
  readonly atMs: number;
}

/** A credential as it is kept, sealed, under its name. */
export interface StoredCredential {
  /** Null: the server gives it one when it is registered. */
  readonly clientId: string | null;
  readonly appName: string;
  /** Made by this client, or given to it by its user. */
  readonly origin: 'self-made' | 'configured';
  /** True once the server has confirmed the registration. */
  readonly registered: boolean;
  /** Base URLs of its servers; null: those of `CRYPTO_SERVER_URL`. */
  readonly servers: readonly string[] | null;
  /** Null: `ISSUER`, or the first of its own servers. */
  readonly issuer: string | null;
  readonly scope: string | null;
  readonly resource: string | null;
  /** Newest first; while one takes the place of another there are two. Empty with a key. */
  readonly secrets: readonly StoredSecret[];
  /** Signs assertions (`private_key_jwt`); null: it has secrets. */
  readonly key: SigningKey | null;
  /** Private key that tokens are bound to (DPoP); null: they are plain. */
  readonly dpopKey: JWK | null;
  readonly begun: Begun | null;
  /** When the present secret took the place of another. */
  readonly rotatedAtMs: number | null;
}

/** What a credential has when nobody says anything of it. */
export const PLAIN: Omit<StoredCredential, 'clientId' | 'appName' | 'origin'> = {
  registered: false,
  servers: null,
  issuer: null,
  scope: null,
  resource: null,
  secrets: [],
  key: null,
  dpopKey: null,
  begun: null,
  rotatedAtMs: null,
};

/** A secret that somebody chose, or that this client made. */
export function chosenSecret(value: string, nowMs: number): StoredSecret {
  return { value, id: null, sinceMs: nowMs, expiresAtMs: null, worked: false };
}

/** Reads a row; one of the first version had a single secret and nothing else. */
export function readStored(text: string): StoredCredential {
  const { clientSecret, ...rest }: Partial<StoredCredential> & { readonly clientSecret?: string } = JSON.parse(text);
  const secrets =
    clientSecret === undefined ? [] : [{ ...chosenSecret(clientSecret, 0), worked: rest.registered === true }];
  return { ...PLAIN, clientId: null, appName: '', origin: 'configured', secrets, ...rest };
}
