/** Who asks about a token (RFC 7662 §2.1, RFC 7009 §2.1): a client that authenticates, or the administrator. */
import { Problem } from '../../kit/http/problem';
import type { Take } from '../../kit/limit';
import { invalidRequest } from '../oauth/errors';
import { BASIC_CHALLENGE } from '../oauth/reply';
import { type AskingClient, type Authenticate, parseParameters, type RawRequest } from './asking';
import { charged } from './charged';

/** An administrator who asks. */
export interface AskingAdministrator {
  readonly name: string;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A request about a token as it came in. */
export interface AboutRequest extends RawRequest {
  /**
   * Asks who the administrator is, for a request that may be of the administrator; it gives null when it is not. Null for
   * one that cannot be. @throws Problem 401, 403, 429
   */
  readonly administrator: (() => Promise<AskingAdministrator | null>) | null;
}

/** A request that may be answered. */
export interface Asked {
  readonly token: string;
  /** Null: the administrator. */
  readonly client: AskingClient | null;
  /** Who asks, as the audit trail names it. */
  readonly actor: string;
  /** Headers for the answer; null: none. */
  readonly headers: Readonly<Record<string, string>> | null;
}

/** What finding out stands on. */
export interface AboutOptions {
  readonly authenticate: Authenticate;
  /** One more request of this client; null: there is no limit. */
  readonly take: Take<string> | null;
}

/** Answers a request about a token, once it is known who asks. */
export type Ask = <Answer>(
  request: AboutRequest,
  answer: (asked: Asked) => Answer | Promise<Answer>,
) => Promise<Answer>;

/** Reads the form and finds out who asks. @throws OAuthError invalid_request, invalid_client; Problem 429, 503 */
export function createAsk({ authenticate, take }: AboutOptions): Ask {
  return async (request, answer) => {
    const parameters = parseParameters(request, false);
    const { authorization, certificate, address } = request;
    const admin = request.administrator === null ? null : await request.administrator().catch(besideBasic);
    const client =
      admin === null ? (await authenticate({ authorization, parameters, certificate, address })).client : null;
    const headers = admin?.headers ?? (client === null || take === null ? null : await take(client.clientId));
    try {
      const token = parameters.get('token')?.[0];
      // Whatever the hint says, there is one kind of token (RFC 7662 §2.1, RFC 7009 §2.1: it may be ignored).
      if (token === undefined) throw invalidRequest('token_missing');
      return await answer({ token, client, actor: admin?.name ?? client?.clientId ?? '', headers });
    } catch (error) {
      throw charged(error, client?.clientId ?? null, headers);
    }
  };
}

/** Every 401 of these endpoints names the scheme of clients too. */
function besideBasic(error: unknown): never {
  if (error instanceof Problem && error.status === 401) {
    const challenges = `${error.headers['www-authenticate']}, ${BASIC_CHALLENGE}`;
    throw new Problem(401, error.title, error.detail, { ...error.headers, 'www-authenticate': challenges });
  }
  throw error;
}
