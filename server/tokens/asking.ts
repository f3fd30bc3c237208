/** Who asks an OAuth endpoint, and with which parameters. */
import type { Authenticated, ClientRequest } from '../authentication/service';
import { invalidRequest } from '../oauth/errors';
import type { NamedEvent } from '../oauth/event';
import { type Parameters, parseForm, parseJson } from '../oauth/form';
import { hasParameter } from '../oauth/query';

/** What this feature needs to know of a client. */
export interface AskingClient {
  readonly clientId: string;
  readonly epoch: number;
  /** Resource identifier → scopes. */
  readonly grants: Readonly<Record<string, readonly string[]>>;
  readonly dpopBound: boolean;
  readonly certificateBound: boolean;
  readonly limitToken: string | null;
}

/** A client that has proved who it is. */
export type AskingAuthenticated = Authenticated<AskingClient>;

/** Client authentication. @throws OAuthError invalid_client, invalid_request; Problem 429, 503 */
export type Authenticate = (request: ClientRequest) => Promise<AskingAuthenticated>;

/** A request to an OAuth endpoint as it came in; what is dear to find out is asked for. */
export interface RawRequest extends Omit<ClientRequest, 'parameters'> {
  readonly contentType: string;
  /** The query string without `?`. */
  readonly query: string;
  readonly body: string;
  /** The `DPoP` header. */
  readonly dpop: string | null;
  /** Tells the operator of this request. */
  readonly tell: (event: NamedEvent) => Promise<void>;
}

/** True for the JSON short form. */
export function isJson(contentType: string): boolean {
  return mediaType(contentType) === 'application/json';
}

/** The parameters of a form, or of the JSON short form where that is allowed. @throws OAuthError invalid_request */
export function parseParameters(
  request: Pick<RawRequest, 'contentType' | 'body' | 'query'>,
  json: boolean,
): Parameters {
  const { contentType, body, query } = request;
  refuseSecretInQuery(query);
  if (json && isJson(contentType)) return parseJson(body);
  if (mediaType(contentType) === 'application/x-www-form-urlencoded') return parseForm(body);
  throw invalidRequest(json ? 'body_not_form_or_json' : 'body_not_form');
}

/** A secret in a URL has been written to somebody's log (RFC 6749 §2.3.1: it MUST NOT be there). */
function refuseSecretInQuery(query: string): void {
  if (hasParameter(query, 'client_secret')) throw invalidRequest('secret_in_query');
}

function mediaType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
