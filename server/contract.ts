/** All that a caller may know of crypto-server, as types: nothing of its code comes along. */
export type { AuditList, AuditVerdict } from './admin/audit-model';
export type { ClientChangeBody, ClientPage, CreatedClient, NewClientBody } from './admin/client-model';
export type { SessionView } from './admin/model';
export type { App } from './app';
export type { AuditView } from './audit/model';
export type { ClientView, SecretView } from './clients/model';
export type { RegistrationTokenView } from './clients/registration-model';
export type { AuthMethod } from './clients/rules';
export type { RotatedSecret } from './clients/secret-model';
export type { CurrencyView } from './rates/currency-model';
/** One rate, as `/api/currency` answers it. */
export type { Rate } from './rates/model';
export type { ResourceView } from './resources/model';
export type { KeyView } from './tokens/key-view';
