import { Problem } from '../../kit/http/problem';
import { resourceIdentifier } from '../oauth/resource';
import { type ClientKeyring, keyringFault, type Offers, offerFault } from './rules';
import type { NewSecret } from './secret-management';

/** Resource (absolute URI) → scopes. */
export type GrantsByUri = Readonly<Record<string, readonly string[]>>;

/** Limits of a client's own, such as `100/s`; null: the server's. */
export interface ClientLimits {
  readonly api: string | null;
  readonly token: string | null;
}

/** A client to be. */
export interface NewClient extends ClientKeyring {
  /** Null: one is made. */
  readonly clientId: string | null;
  readonly appName: string;
  /** Null: the rates. */
  readonly grants: GrantsByUri | null;
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  readonly limits: ClientLimits;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Of its first secret, when it authenticates by one. */
  readonly secret: NewSecret;
  /** True: it gets a registration access token (RFC 7592 §3). */
  readonly manageable: boolean;
}

/** What is to be changed; what is left out stays, also of the limits. */
export type ClientChange = Partial<
  Omit<NewClient, 'clientId' | 'grants' | 'limits' | 'secret' | 'manageable'> & {
    readonly grants: GrantsByUri;
    readonly limits: Partial<ClientLimits>;
  }
>;

/** What a client says of itself when it registers; grants and limits are the administrator's. */
export type RegisteredSettings = Required<Omit<ClientChange, 'grants' | 'limits'>>;

/** What settings are judged by. */
export interface SettingsOptions {
  readonly issuer: string;
  /** Resource identifier → scopes. @throws Problem 422 when a resource or a scope is unknown. */
  readonly checkGrants: (grants: Readonly<Record<string, readonly string[]>>) => void;
  readonly offers: Offers;
}

/** Settings that do not go together, or that this server cannot do: 422, or 400 where RFC 7591 §3.2.2 says how. */
export class SettingsFault extends Problem {
  /** Public: the member as it is called outside and what is expected, without a full stop. */
  readonly fault: string;

  constructor(fault: string) {
    super(422, 'Unprocessable Content', `${fault}.`, {}, { errors: [] });
    this.fault = fault;
  }
}

type Judged = ClientKeyring & { readonly certificateBound: boolean };

/** Judges what a client is to be, from what it is (null: it is new). @throws SettingsFault */
export function checkSettings(wanted: Judged, has: Judged | null, { offers }: SettingsOptions): void {
  refuse(keyringFault(wanted) ?? offerFault(wanted, has, offers));
}

/** Grants as they are kept: resource identifier → scopes. @throws Problem 422. */
export function keptGrants(grants: GrantsByUri, { issuer, checkGrants }: SettingsOptions): Record<string, string[]> {
  const entries = Object.entries(grants).map(([uri, scopes]): [string, string[]] => [
    resourceIdentifier(issuer, uri),
    [...new Set(scopes)],
  ]);
  const kept = Object.fromEntries(entries);
  checkGrants(kept);
  return kept;
}

/** @throws SettingsFault when something is at fault. */
export function refuse(fault: string | null): void {
  if (fault !== null) throw new SettingsFault(fault);
}
