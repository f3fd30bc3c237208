/** For which resource a token is, and what it allows there (RFC 8707, RFC 6749 §3.3). */
import { OAuthError } from '../oauth/errors';
import type { EventDetails } from '../oauth/event';
import type { Parameters } from '../oauth/form';
import { RATES_RESOURCE, RESOURCE_URI_CHARACTERS_MAX, resourceIdentifier } from '../oauth/resource';
import { formatScope, parseScope, SCOPE_CHARACTERS_MAX } from '../oauth/scope';
import type { AskingClient } from './asking';

/** A resource server that tokens can be for; `audience` is its absolute URI. */
export interface TargetResource {
  readonly identifier: string;
  readonly audience: string;
  readonly scopes: readonly string[];
}

/** Looks a resource up by its identifier inside. */
export type FindResource = (identifier: string) => TargetResource | undefined;

/** What a token will say: `aud` and `scope`. */
export interface Target {
  readonly audience: string;
  readonly scope: string;
}

/** Narrows what is asked for to what the client was granted and the resource still has; never silently to less. */
export function createTargeting(options: { issuer: string; find: FindResource }) {
  const { issuer, find } = options;
  const identify = (asked: readonly string[] | undefined, grants: AskingClient['grants']): string => {
    if (asked === undefined) return defaultOf(grants);
    const [uri = '', more] = asked;
    if (more !== undefined) throw new OAuthError('invalid_target', 'resource_repeated');
    // Inside, our own are paths; from outside a path names nothing.
    if (uri.startsWith('/')) throw unknownResource(uri);
    return resourceIdentifier(issuer, uri);
  };
  /** @throws OAuthError invalid_target, invalid_scope */
  return (parameters: Parameters, { grants }: Pick<AskingClient, 'grants'>): Target => {
    const identifier = identify(parameters.get('resource'), grants);
    const resource = find(identifier);
    if (resource === undefined) throw unknownResource(identifier);
    const granted = Object.hasOwn(grants, identifier) ? grants[identifier] : undefined;
    if (granted === undefined) {
      throw new OAuthError('invalid_target', 'resource_not_granted', { details: { resource: identifier } });
    }
    const scope = chooseScope(parameters.get('scope')?.[0], granted, resource);
    return { audience: resource.audience, scope };
  };
}

function unknownResource(asked: string): OAuthError {
  const details = { resource: asked.slice(0, RESOURCE_URI_CHARACTERS_MAX) };
  return new OAuthError('invalid_target', 'resource_unknown', { details });
}

/** The rates for whoever may read them, else the only resource that was granted. */
function defaultOf(grants: AskingClient['grants']): string {
  if (Object.hasOwn(grants, RATES_RESOURCE)) return RATES_RESOURCE;
  const [only, more] = Object.keys(grants);
  if (only === undefined) throw new OAuthError('invalid_target', 'resource_not_granted');
  if (more !== undefined) {
    const description = 'Say which resource the token is for: this client was granted several.';
    throw new OAuthError('invalid_target', 'resource_missing', { description });
  }
  return only;
}

function chooseScope(asked: string | undefined, granted: readonly string[], { scopes }: TargetResource): string {
  const allowed = granted.every((scope) => scopes.includes(scope))
    ? granted
    : granted.filter((scope) => scopes.includes(scope));
  if (allowed.length === 0) throw new OAuthError('invalid_scope', 'scope_not_granted');
  if (asked === undefined) return bounded(formatScope(allowed));
  const wanted = parseScope(asked);
  if (wanted === null) throw new OAuthError('invalid_scope', 'scope_malformed');
  const missing = wanted.filter((scope) => !allowed.includes(scope));
  if (missing.length > 0) throw new OAuthError('invalid_scope', 'scope_not_granted', { details: told(missing) });
  return bounded(formatScope(wanted));
}

/** Enough to see what was meant; the trail keeps it for long. */
function told(scopes: readonly string[]): EventDetails {
  return { scope: scopes.slice(0, 8).map((scope) => scope.slice(0, 128)) };
}

/** What a longer token says could not be read back: a resource registered when that was not asked may have more. */
function bounded(scope: string): string {
  if (scope.length > SCOPE_CHARACTERS_MAX) throw new OAuthError('invalid_scope', 'scope_too_long');
  return scope;
}
