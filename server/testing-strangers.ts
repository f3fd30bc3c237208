// Somebody else's code as clients of ours: oauth4webapi and openid-client, over any connection and by any method.
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

/** How a client authenticates: what its registration says, and what each library then does. */
export interface Way {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly oauth4webapi: (client: oauth.Client) => oauth.ClientAuth;
  readonly openidClient: openid.ClientAuth;
  /** The connection, with the client's certificate where it has one. */
  readonly fetch: Connection;
}

/** What both libraries take in place of `fetch`. */
export type Connection = (url: string, init: RequestInit) => Promise<Response>;

/** What a client does with the server. */
export interface Stranger {
  readonly clientId: string;
  /** Asks for a token. */
  ask(parameters?: Record<string, string>): Promise<{ readonly token: string; readonly type: string }>;
  /** `GET` of a path of the resource. */
  read(path: string, token: string): Promise<Response>;
  introspect(token: string): Promise<Readonly<Record<string, unknown>>>;
  revoke(token: string): Promise<void>;
}

/** What a stranger is told beside the issuer. */
export interface StrangerOptions {
  /** Binds its tokens to a key of that algorithm (RFC 9449). */
  readonly dpop?: string;
  readonly initialAccessToken?: string;
}

/** oauth4webapi, which leaves it to its user to ask again with the nonce that a refusal brings, and can be a resource server. */
export interface Oauth4webapi extends Stranger {
  readonly as: oauth.AuthorizationServer;
  /** Refusals that brought a nonce. */
  readonly noncesLearnt: () => number;
  /** Judges the request that `read` sent last, as a resource server would. */
  validate(audience: string): Promise<oauth.JWTAccessTokenClaims>;
}

/** The libraries take http only when told to. */
const INSECURE = { [oauth.allowInsecureRequests]: true };

/** Discovers the server of an issuer (RFC 8414). */
export async function discover(issuer: string, connection: Connection): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const options = { algorithm: 'oauth2' as const, ...INSECURE, ...over(connection) };
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options));
}

function over(connection: Connection) {
  // The library's type knows its own kinds of bodies alone.
  return { [oauth.customFetch]: connection as never };
}

/** oauth4webapi: discovery, then registration (RFC 7591). */
export async function registerOauth4webapi(
  issuer: string,
  way: Way,
  { dpop, initialAccessToken }: StrangerOptions = {},
): Promise<Oauth4webapi> {
  const as = await discover(issuer, way.fetch);
  const plain = { ...INSECURE, ...over(way.fetch) };
  const handle = dpop === undefined ? null : oauth.DPoP({}, await oauth.generateKeyPair(dpop));
  const options = { ...plain, ...(handle && { DPoP: handle }) };
  const metadata = { client_name: 'Stranger', ...way.metadata, ...(handle && { dpop_bound_access_tokens: true }) };
  const admitted = { ...plain, ...(initialAccessToken !== undefined && { initialAccessToken }) };
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, metadata, admitted),
  );
  const authentication = way.oauth4webapi(client);
  let noncesLearnt = 0;
  let sent: Request | null = null;
  const withNonce = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      noncesLearnt += 1;
      return await work();
    }
  };
  const noted: Connection = (url, init) => {
    sent = new Request(url, init);
    return way.fetch(url, init);
  };
  return {
    as,
    clientId: client.client_id,
    noncesLearnt: () => noncesLearnt,
    ask: (parameters = {}) =>
      withNonce(async () => {
        const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, options);
        const granted = await oauth.processClientCredentialsResponse(as, client, answer);
        return { token: granted.access_token, type: granted.token_type };
      }),
    read: (path, token) =>
      withNonce(() => {
        const url = new URL(`${issuer}${path}`);
        return oauth.protectedResourceRequest(token, 'GET', url, new Headers(), null, { ...options, ...over(noted) });
      }),
    introspect: async (token) => {
      const answer = await oauth.introspectionRequest(as, client, authentication, token, plain);
      return oauth.processIntrospectionResponse(as, client, answer);
    },
    revoke: async (token) =>
      oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authentication, token, plain)),
    validate: (audience) => oauth.validateJwtAccessToken(as, sent ?? new Request(issuer), audience, plain),
  };
}

/** openid-client: discovery and registration in one, and nonces learnt by itself. */
export async function registerOpenidClient(
  issuer: string,
  way: Way,
  { dpop, initialAccessToken }: StrangerOptions = {},
): Promise<Stranger> {
  const bound = dpop === undefined ? {} : { dpop_bound_access_tokens: true };
  const config = await openid.dynamicClientRegistration(
    new URL(issuer),
    { client_name: 'Stranger', ...way.metadata, ...bound },
    way.openidClient,
    {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
      [openid.customFetch]: way.fetch as never,
      ...(initialAccessToken !== undefined && { initialAccessToken }),
    },
  );
  const options =
    dpop === undefined ? {} : { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(dpop)) };
  return {
    clientId: config.clientMetadata().client_id,
    ask: async (parameters = {}) => {
      const granted = await openid.clientCredentialsGrant(config, parameters, options);
      return { token: granted.access_token, type: granted.token_type };
    },
    read: (path, token) =>
      openid.fetchProtectedResource(config, token, new URL(`${issuer}${path}`), 'GET', null, undefined, options),
    introspect: async (token) => ({ ...(await openid.tokenIntrospection(config, token)) }),
    revoke: (token) => openid.tokenRevocation(config, token),
  };
}
