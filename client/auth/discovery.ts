import type { Clock, Deadline, Fetch } from '../ports';
import { busy, leave, quote, readObject, send } from './answer';
import { TokenError } from './token';

/** Where tokens are asked for, and how the client says who it is there. */
export interface TokenEndpoint {
  readonly url: string;
  /** How secrets are sent: `client_secret_basic`, `client_secret_post`, or the short JSON body of servers without metadata; `keys`: not at all, it takes assertions alone. */
  readonly style: 'basic' | 'post' | 'json' | 'keys';
  /** Where clients register by RFC 7591; null: the server does not say. */
  readonly registration: string | null;
}

/** Longest wait for the metadata, in milliseconds. */
export const DISCOVERY_DEADLINE_MS = 5_000;

/** Token path of a server that has no metadata. */
const PLAIN_TOKEN_PATH = '/api/auth/token';

/**
 * How long a missing document is taken for a server without metadata, in milliseconds: it may as well have been a proxy
 * or a server in the middle of an update, and one more request in five minutes costs nothing.
 */
export const PLAIN_LIFE_MS = 300_000;

/** How long good metadata are used before they are asked for again, in milliseconds: an endpoint that has moved is found within the hour, without a restart. */
export const METADATA_LIFE_MS = 3_600_000;

/** What {@link discovery} needs. */
export interface DiscoveryDeps {
  /** Base URL in use, without a slash at the end. */
  readonly serverUrl: string;
  /** The issuer that the metadata must name. */
  readonly issuer: string;
  readonly fetch: Fetch;
  readonly deadline: Deadline;
  readonly clock: Clock;
}

/**
 * Finds the token endpoint by the server's metadata (RFC 8414), once, whoever asks meanwhile: good metadata are kept for
 * {@link METADATA_LIFE_MS} and as long as the server does not answer, the plain address of a server without them for
 * {@link PLAIN_LIFE_MS}, a failure not at all.
 * Rejects with {@link TokenError}: `unreachable`, `busy`, `malformed`, `wrong_issuer`.
 */
export function discovery(deps: DiscoveryDeps): () => Promise<TokenEndpoint> {
  let found: TokenEndpoint | null = null;
  let endsElapsedMs = 0;
  let asking: Promise<TokenEndpoint> | null = null;
  const ask = async (): Promise<TokenEndpoint> => {
    try {
      found = await discover(deps);
      endsElapsedMs = deps.clock.elapsed() + (found.style === 'json' ? PLAIN_LIFE_MS : METADATA_LIFE_MS);
      return found;
    } catch (error) {
      if (found === null || found.style === 'json' || !isPassing(error)) throw error;
      return found;
    } finally {
      asking = null;
    }
  };
  return async () => {
    if (found !== null && deps.clock.elapsed() < endsElapsedMs) return found;
    asking ??= ask();
    return asking;
  };
}

/** True when the server may give the same metadata as before in a moment. */
function isPassing(error: unknown): boolean {
  return error instanceof TokenError && (error.trouble.kind === 'busy' || error.trouble.kind === 'unreachable');
}

async function discover({ serverUrl, issuer, fetch, deadline, clock }: DiscoveryDeps): Promise<TokenEndpoint> {
  const request = new Request(metadataUrl(serverUrl, issuer), {
    headers: { accept: 'application/json' },
    signal: deadline(DISCOVERY_DEADLINE_MS),
    redirect: 'manual',
  });
  const response = await send(fetch, request);
  if (response.status === 404 || response.status === 410) {
    leave(response);
    return { url: `${serverUrl}${PLAIN_TOKEN_PATH}`, style: 'json', registration: null };
  }
  const passing = busy(response, clock.now());
  if (passing !== null) throw new TokenError(passing);
  if (response.status !== 200) {
    leave(response);
    throw malformed(`the metadata request is answered with status ${response.status}`);
  }
  return judgeMetadata(await readObject(response), serverUrl, issuer);
}

/** The well-known address: the path of the issuer goes behind the well-known part (RFC 8414 §3.1). */
export function metadataUrl(serverUrl: string, issuer: string): string {
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  return `${new URL(serverUrl).origin}/.well-known/oauth-authorization-server${path}`;
}

/** Judges the metadata (RFC 8414 §2, §3.3). Throws {@link TokenError}. */
export function judgeMetadata(
  metadata: Readonly<Record<string, unknown>> | null,
  serverUrl: string,
  issuer: string,
): TokenEndpoint {
  if (metadata === null) throw malformed('the metadata are not a JSON object of reasonable size');
  const found = metadata['issuer'];
  if (found !== issuer) throw new TokenError({ kind: 'wrong_issuer', expected: issuer, found: quote(found, []) ?? '' });
  const endpoint = metadata['token_endpoint'];
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) throw malformed('the metadata name no token_endpoint');
  return {
    url: rebase(endpoint, issuer, serverUrl),
    style: styleOf(metadata['token_endpoint_auth_methods_supported']),
    registration: registrationOf(metadata['registration_endpoint'], issuer, serverUrl),
  };
}

/** An address below the issuer, as seen through the URL in use; one elsewhere stays what it is. */
function rebase(endpoint: string, issuer: string, serverUrl: string): string {
  const base = issuer.replace(/\/$/, '');
  const url = endpoint.startsWith(`${base}/`) ? `${serverUrl}${endpoint.slice(base.length)}` : endpoint;
  const { protocol } = new URL(url);
  const downgraded = serverUrl.startsWith('https:') && protocol !== 'https:';
  if (downgraded || !/^https?:$/.test(protocol))
    throw malformed(`${new URL(url).pathname} would carry the secret in clear`);
  return url;
}

function registrationOf(endpoint: unknown, issuer: string, serverUrl: string): string | null {
  return typeof endpoint === 'string' && URL.canParse(endpoint) ? rebase(endpoint, issuer, serverUrl) : null;
}

function styleOf(methods: unknown): TokenEndpoint['style'] {
  // RFC 8414 §2: left out means client_secret_basic.
  if (methods === undefined) return 'basic';
  if (!Array.isArray(methods)) throw malformed('token_endpoint_auth_methods_supported is not a list');
  if (methods.includes('client_secret_basic')) return 'basic';
  if (methods.includes('client_secret_post')) return 'post';
  if (methods.includes('private_key_jwt')) return 'keys';
  throw malformed('the token endpoint takes no client_secret_basic, client_secret_post or private_key_jwt');
}

function malformed(detail: string): TokenError {
  return new TokenError({ kind: 'malformed', detail });
}
