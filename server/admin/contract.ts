/** What callers of the admin API may know of it, as types. Apart from server/contract, which knows the whole server: the console's page is compiled for a browser. */
export type { AuditView } from '../audit/model';
export type { ClientView, SecretView } from '../clients/model';
export type { RegistrationTokenView } from '../clients/registration-model';
export type { RotatedSecret } from '../clients/secret-model';
export type { AuthMethod } from '../oauth/client';
export type { EventName } from '../oauth/words';
export type { CurrencyView } from '../rates/currency-model';
export type { ResourceView } from '../resources/model';
export type { KeyView } from '../tokens/key-view';
export type { AuditList, AuditVerdict } from './audit-model';
export type { ClientChangeBody, ClientPage, CreatedClient, NewClientBody } from './client-model';
export type { SessionView } from './model';
