import type { ClientView } from '../../../admin/contract';

/** What every tab of a client is given. */
export interface ClientTabProps {
  readonly client: ClientView;
  /** Puts in the client as it is after a change. */
  readonly put: (client: ClientView) => void;
  readonly reload: () => void;
}

/** The path of a client in the admin API. */
export function clientPath(clientId: string): string {
  return `clients/${encodeURIComponent(clientId)}`;
}
