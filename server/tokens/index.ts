/** The token endpoint: `POST /api/auth/token`, the client-credentials grant of RFC 6749 §4.4 with access tokens of RFC 9068. The guard beside it is what other features import. */
import { Elysia } from 'elysia';
import type { ClientCertificate } from '../clients/certificate';
import { queryOf } from '../oauth/query';
import { tokenReply } from '../oauth/reply';
import { TOKEN_REQUEST_BODY, TokenAnswer, TokenError } from './model';
import type { Tokens } from './service';

/** Who is at the other end of a request. */
export interface PeerOf {
  readonly address: (request: Request) => string;
  /** @throws OAuthError invalid_request when a trusted proxy sends a malformed one. */
  readonly certificate: (request: Request) => ClientCertificate | null;
}

/** Routes of the token endpoint. */
export function tokenRoutes(tokens: Tokens, peer: PeerOf) {
  return new Elysia({ name: 'tokens' }).post(
    '/api/auth/token',
    async ({ request }) =>
      tokenReply(
        await tokens.issue({
          contentType: request.headers.get('content-type') ?? '',
          authorization: request.headers.get('authorization'),
          certificate: () => peer.certificate(request),
          address: () => peer.address(request),
          query: queryOf(request.url),
          body: await request.text(),
        }),
      ),
    {
      // The body is parsed in oauth/form: a framework's parser forgets repetitions, which must be refused.
      parse: 'none',
      response: { 200: TokenAnswer, 400: TokenError, 401: TokenError },
      detail: {
        operationId: 'token',
        tags: ['OAuth 2.0'],
        summary: 'Obtain an access token',
        security: [{ clientSecretBasic: [] }, {}],
        requestBody: TOKEN_REQUEST_BODY,
        description:
          'Client-credentials grant (RFC 6749 §4.4), as a form with `grant_type=client_credentials` or as the short JSON form. The client authenticates by `client_secret_basic` or `client_secret_post`.',
      },
    },
  );
}
