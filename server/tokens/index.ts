/** Tokens: `POST /api/auth/token` (client-credentials grant of RFC 6749 §4.4, access tokens of RFC 9068), `/introspect` (RFC 7662) and `/revoke` (RFC 7009). The guard beside it is what other features import. */
import { Elysia } from 'elysia';
import type { ClientCertificate } from '../authentication/certificate';
import type { Tell } from '../oauth/event';
import { queryOf } from '../oauth/query';
import { emptyReply, tokenReply, withHeaders } from '../oauth/reply';
import type { AboutRequest, AskingAdministrator } from './about';
import type { RawRequest } from './asking';
import type { Introspection } from './introspection';
import { createIntrospectionReplies } from './introspection-replies';
import { ABOUT_TOKEN_BODY, IntrospectionAnswer, Revoked, TOKEN_REQUEST_BODY, TokenAnswer, TokenError } from './model';
import type { Revocation } from './revocation';
import { TOKEN_PATH, type Tokens } from './service';

/** What the routes need. */
export interface TokenRoutesOptions {
  readonly issuer: string;
  readonly tokens: Tokens & Introspection & Revocation;
  /** The client certificate that a trusted proxy passed on; null: there is none. */
  readonly certificate: (request: Request) => ClientCertificate | null;
  /** The caller's address. */
  readonly address: (request: Request) => string;
  /** See {@link AboutRequest}. */
  readonly administratorOf: (request: Request) => Promise<AskingAdministrator | null>;
  readonly tell: Tell;
}

/** Routes of the token, introspection and revocation endpoints. */
export function tokenRoutes(options: TokenRoutesOptions) {
  const { tokens } = options;
  const read = createReader(options);
  const tellOf = createIntrospectionReplies(options.issuer);
  // Bodies are parsed in oauth/form: a framework's parser forgets repetitions, which must be refused.
  return new Elysia({ name: 'tokens' })
    .post(TOKEN_PATH, async ({ request }) => tokenReply(await tokens.issue(await read(request))), {
      parse: 'none',
      response: { 200: TokenAnswer, 400: TokenError, 401: TokenError },
      detail: {
        operationId: 'token',
        tags: ['OAuth 2.0'],
        summary: 'Obtain an access token',
        security: [{ clientSecretBasic: [] }, {}],
        requestBody: TOKEN_REQUEST_BODY,
        description:
          'Client-credentials grant (RFC 6749 §4.4), as a form with `grant_type=client_credentials` or as the short JSON form. With a `DPoP` header the token is bound to its key (RFC 9449).',
      },
    })
    .post(
      '/api/auth/introspect',
      async ({ request }) => {
        const { claims, headers } = await tokens.introspect(await read(request));
        return withHeaders(tellOf(claims), headers);
      },
      {
        parse: 'none',
        response: { 200: IntrospectionAnswer, 400: TokenError, 401: TokenError },
        detail: {
          operationId: 'introspect',
          tags: ['OAuth 2.0'],
          summary: 'Ask what a token says and whether it is good',
          security: [{ clientSecretBasic: [] }, { adminSecret: [] }, {}],
          requestBody: ABOUT_TOKEN_BODY,
          description:
            "RFC 7662. `active` is true for the token's own client, for clients that its resource names, and for the administrator.",
        },
      },
    )
    .post('/api/auth/revoke', async ({ request }) => emptyReply(await tokens.revoke(await read(request))), {
      parse: 'none',
      response: { 200: Revoked, 400: TokenError, 401: TokenError },
      detail: {
        operationId: 'revoke',
        tags: ['OAuth 2.0'],
        summary: 'Revoke a token',
        security: [{ clientSecretBasic: [] }, { adminSecret: [] }, {}],
        requestBody: ABOUT_TOKEN_BODY,
        description: 'RFC 7009. 200 without a body, for a token that is unknown or has ended too.',
      },
    });
}

/** The administrator sends a header of his own, or a token, which no client authenticates with. */
function mayBeAdministrator(headers: Headers): boolean {
  return headers.has('x-admin-secret') || /^(?:bearer|dpop) /i.test(headers.get('authorization') ?? '');
}

/** Request → what the services look at. */
function createReader({ certificate, address, administratorOf, tell }: TokenRoutesOptions) {
  return async (request: Request): Promise<RawRequest & AboutRequest> => {
    const { headers, url } = request;
    return {
      contentType: headers.get('content-type') ?? '',
      authorization: headers.get('authorization'),
      dpop: headers.get('dpop'),
      query: queryOf(url),
      body: await request.text(),
      certificate: () => certificate(request),
      address: () => address(request),
      administrator: mayBeAdministrator(headers) ? () => administratorOf(request) : null,
      tell: (event) => tell(event, request),
    };
  };
}
