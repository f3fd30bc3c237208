import type { Rows } from '../../db/rows';
import { createSameOrigin } from '../../kit/http/same-origin';
import { createSessionCookie, type SessionCookie } from '../../kit/http/session-cookie';
import { type Authorization, createAuthorization } from '../admin/authorize';
import { createSessions, type Sessions } from '../admin/sessions';
import { createSessionStore } from '../admin/store';
import type { Limits } from '../limits/service';
import type { Tell } from '../oauth/event';
import { ADMIN_RESOURCE, resourceUri } from '../oauth/resource';
import { Challenge } from '../tokens/challenges';
import { createAdmission } from '../tokens/guard';
import type { Vault } from '../vault/service';
import type { Callers } from './callers';
import type { Surroundings } from './surroundings';
import type { TokenServices } from './tokens';

/** Who is taken for the administrator, and the sign-ins at the console. */
export interface Administration {
  readonly authorization: Authorization;
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  readonly isSameOrigin: (request: Request) => boolean;
}

/** What the administration takes from the other services. */
export interface AdministrationNeed extends Pick<TokenServices, 'accessTokens' | 'proofs' | 'takeApi'> {
  readonly callers: Callers;
  readonly limits: Pick<Limits, 'failed'>;
  readonly vault: Pick<Vault, 'secretFor'>;
  readonly tell: Tell;
}

/** Wires who may administrate. */
export function wireAdministration(rows: Rows, given: Surroundings, need: AdministrationNeed): Administration {
  const { issuer, publicUrls, adminSecret, now, randomBytes } = given;
  const { callers, vault, tell } = need;
  const csrfKey = (): Buffer => vault.secretFor('console');
  const store = createSessionStore(rows);
  const console = {
    sessions: createSessions({ store, csrfKey, adminSecret, now, randomBytes }),
    cookie: sessionCookie(issuer),
    isSameOrigin: createSameOrigin([issuer, ...publicUrls]),
  };
  const authorization = createAuthorization({
    ...console,
    adminSecret,
    adminToken: createAdminToken(given, need),
    failed: need.limits.failed,
    addressOf: callers.source,
    tell,
  });
  return { ...console, authorization };
}

/** Whose access token for the administration a request brings, or why it is refused. */
function createAdminToken({ issuer }: Surroundings, need: AdministrationNeed) {
  const { callers, accessTokens, proofs, takeApi, tell } = need;
  const admit = createAdmission({
    tokens: accessTokens,
    proofs,
    audience: resourceUri(issuer, ADMIN_RESOURCE),
    scope: 'admin',
    metadataUrl: null,
    certificate: callers.thumbprint,
    take: takeApi,
    tell,
  });
  return async (request: Request) => {
    const admitted = await admit(request);
    if (admitted instanceof Challenge) return admitted;
    return { clientId: admitted.claims.clientId, headers: admitted.headers };
  };
}

/**
 * On the API's paths alone; where the console is reached over https, with the prefix by which a browser lets no plain site
 * set it (RFC 6265bis §4.1.3.1). `__Host-` would ask for the path `/`.
 */
function sessionCookie(issuer: string): SessionCookie {
  const secure = issuer.startsWith('https:');
  return createSessionCookie({ name: `${secure ? '__Secure-' : ''}crypto-server-session`, path: '/api', secure });
}
