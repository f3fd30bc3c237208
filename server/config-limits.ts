import type { Limit } from '../kit/limit';
import { limit } from './setting-values';

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
