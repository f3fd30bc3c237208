import { oneOf, setting } from '../kit/config';
import type { Limit } from '../kit/limit';
import { asWritten, limit } from './setting-values';

/** How much clients and addresses may ask. */
export const LIMIT_SETTINGS = {
  RATE_LIMIT: setting({ about: 'on or off', parse: oneOf('on', 'off'), fallback: 'on' }),
  LIMIT_API: setting({ about: 'requests per client to the API', parse: asWritten(limit), fallback: '100/s' }),
  LIMIT_TOKEN: setting({ about: 'tokens per client', parse: asWritten(limit), fallback: '20/s' }),
  LIMIT_FAILED: setting({
    about: 'failed authentications per client and address; ten times that per address',
    parse: asWritten(limit),
    fallback: '10/m',
  }),
  LIMIT_REGISTER: setting({ about: 'registrations per address', parse: asWritten(limit), fallback: '30/h' }),
} as const;

/** How often who may ask. */
export interface Limits {
  /** Per client, at the protected resource and for introspection. */
  readonly api: Limit;
  /** Per client, at the token endpoint. */
  readonly token: Limit;
  /** Failed authentication per client and address; ten times that per address. */
  readonly failed: Limit;
  /** Registrations per address. */
  readonly register: Limit;
}

/** The settings of the limits, as they were written. */
export type LimitSettings = Readonly<
  Record<'RATE_LIMIT' | 'LIMIT_API' | 'LIMIT_TOKEN' | 'LIMIT_FAILED' | 'LIMIT_REGISTER', string>
>;

/** The limits that were set; null: none are wanted. */
export function limitsIn({
  RATE_LIMIT,
  LIMIT_API,
  LIMIT_TOKEN,
  LIMIT_FAILED,
  LIMIT_REGISTER,
}: LimitSettings): Limits | null {
  if (RATE_LIMIT === 'off') return null;
  return {
    api: limit(LIMIT_API),
    token: limit(LIMIT_TOKEN),
    failed: limit(LIMIT_FAILED),
    register: limit(LIMIT_REGISTER),
  };
}
