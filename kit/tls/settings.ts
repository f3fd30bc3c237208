import { setting, text } from '../config';
import { orNull } from '../settings';

/** The files that https stands on; they are read at the start and at each renewal. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities whose certificates callers must have; null: callers need none. */
  readonly clientCaFile: string | null;
}

/** The settings of https, which both programs know. */
export const TLS_SETTINGS = {
  TLS_CERT_FILE: setting({
    about: 'certificate (PEM) with those between it and its authority behind it; turns https on, read anew on SIGHUP',
    parse: orNull(text()),
    fallback: null,
  }),
  TLS_KEY_FILE: setting({ about: 'private key (PEM) of TLS_CERT_FILE', parse: orNull(text()), fallback: null }),
  TLS_CLIENT_CA_FILE: setting({
    about: 'certificates (PEM) of authorities; who connects must have a certificate of one of them',
    parse: orNull(text()),
    fallback: null,
  }),
} as const;

/** What they were set to. */
type TlsValues = Readonly<Record<keyof typeof TLS_SETTINGS, string | null>>;

/** What is wrong with them together, a sentence each. */
export function tlsFaults({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE }: TlsValues): string[] {
  if (TLS_CERT_FILE !== null && TLS_KEY_FILE === null)
    return ['TLS_KEY_FILE is missing: TLS_CERT_FILE is set, set both or none'];
  if (TLS_CERT_FILE === null && TLS_KEY_FILE !== null)
    return ['TLS_CERT_FILE is missing: TLS_KEY_FILE is set, set both or none'];
  if (TLS_CERT_FILE === null && TLS_CLIENT_CA_FILE !== null)
    return ['TLS_CERT_FILE and TLS_KEY_FILE are missing: TLS_CLIENT_CA_FILE is set, and works with https alone'];
  return [];
}

/** The files, or null for plain http. */
export function tlsFilesOf({ TLS_CERT_FILE, TLS_KEY_FILE, TLS_CLIENT_CA_FILE }: TlsValues): TlsFiles | null {
  if (TLS_CERT_FILE === null || TLS_KEY_FILE === null) return null;
  return Object.freeze({ certFile: TLS_CERT_FILE, keyFile: TLS_KEY_FILE, clientCaFile: TLS_CLIENT_CA_FILE });
}
