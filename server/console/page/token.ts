import { ApiError, send } from './api';
import { createProver } from './dpop';

/** What a token is asked for with. */
export interface TokenWish {
  readonly clientId: string;
  readonly clientSecret: string;
  /** One resource; empty: the server's choice. */
  readonly resource: string;
  readonly dpop: boolean;
  readonly now: () => number;
  /** Base URL of the server, which a proof names. */
  readonly issuer: string;
}

/** A token, taken apart. */
export interface TokenFound {
  readonly token: string;
  readonly type: string;
  readonly expiresInSeconds: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Asks for a token as the client itself would. Throws {@link ApiError} with the server's words. */
export async function requestToken(wish: TokenWish): Promise<TokenFound> {
  const prover = wish.dpop ? await createProver(`${wish.issuer}/api/auth/token`, wish.now) : null;
  const first = await ask(wish, (await prover?.(null)) ?? null);
  const nonce = first.headers.get('dpop-nonce');
  // A server may want its own nonce in the proof (RFC 9449 §8); it says so once.
  const again = prover !== null && first.status === 400 && nonce !== null;
  const answer = again ? await ask(wish, await prover(nonce)) : first;
  const body = await answer.json().catch(() => null);
  if (!answer.ok) {
    const told = body?.error_description ?? body?.detail ?? body?.error ?? `status ${answer.status}`;
    const code = body?.error === undefined ? '' : `${body.error}: `;
    throw new ApiError(answer.status, `${code}${told}`, answer.headers.get('x-request-id'), null);
  }
  const [header, claims] = String(body.access_token).split('.');
  return {
    token: body.access_token,
    type: body.token_type,
    expiresInSeconds: body.expires_in,
    header: decode(header),
    claims: decode(claims),
  };
}

function ask(wish: TokenWish, proof: string | null): Promise<Response> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: wish.clientId,
    client_secret: wish.clientSecret,
    ...(wish.resource === '' ? {} : { resource: wish.resource }),
  });
  // Without credentials no cookie goes along, and the browser does not answer a Basic challenge with a window of its own.
  return send('/api/auth/token', {
    method: 'POST',
    body,
    credentials: 'omit',
    ...(proof === null ? {} : { headers: { dpop: proof } }),
  });
}

function decode(part: string | undefined): Record<string, unknown> {
  const binary = atob((part ?? '').replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (one) => one.charCodeAt(0))));
}
