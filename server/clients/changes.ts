import { calculateJwkThumbprint, type JWK } from 'jose';
import { changesOf, type EventDetails } from '../oauth/event';
import type { ClientView } from './model';

/** What a change has changed of a client, for the audit trail; keys by their thumbprints (RFC 7638). Null: nothing. */
export async function changesBetween(before: ClientView, after: ClientView): Promise<EventDetails | null> {
  const changes = changesOf(settingsOf(before), settingsOf(after));
  // Whole keys are compared, for a `kid` or a certificate matters too, but they are too long to be told.
  return changes && 'jwks' in changes ? { ...changes, jwks: await thumbprintsOf(after) } : changes;
}

/** Grants as the audit trail keeps them: `<resource> <scope>`, one each. */
export function grantsTold(grants: ClientView['grants']): string[] {
  return Object.entries(grants).flatMap(([resource, scopes]) => scopes.map((scope) => `${resource} ${scope}`));
}

function settingsOf(client: ClientView): Record<string, EventDetails[string]> {
  const { app_name, auth_method, dpop_bound, certificate_bound, jwks, jwks_uri, tls_subject, limits } = client;
  return {
    ...{ app_name, auth_method, dpop_bound, certificate_bound },
    grants: grantsTold(client.grants).sort(),
    jwks: JSON.stringify(jwks),
    jwks_uri,
    tls_subject: tls_subject && `${tls_subject.kind}=${tls_subject.value}`,
    api_limit: limits.api,
    token_limit: limits.token,
    metadata: Object.entries(client.metadata).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  };
}

async function thumbprintsOf({ jwks }: ClientView): Promise<string[] | null> {
  return jwks === null ? null : Promise.all(jwks.keys.map((key) => calculateJwkThumbprint(key as JWK)));
}
