/** A server of another make: OAuth and rates as the contract says, written without a line of crypto-server. */

/** What a double can be made to do, and what it has seen. */
export interface Double {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ids and secrets it knows. */
  readonly clients: Map<string, string>;
  /** Every request as `METHOD /path`. */
  readonly seen: string[];
  /** Bodies and headers of the token requests. */
  readonly tokenRequests: {
    readonly authorization: string | null;
    readonly type: string | null;
    readonly body: string;
  }[];
  /** Admin secrets that came with registrations. */
  readonly adminSecrets: (string | null)[];
  /** No answer at all. */
  down: boolean;
  /** Forgets that it ever gave out a token. */
  revokeAll(): void;
}

/** How a double differs from crypto-server. */
export interface DoubleOptions {
  readonly issuer?: string;
  /** False: no metadata, JSON token requests only, `bearer` in lower case, no `expires_in`, bare challenges. */
  readonly modern?: boolean;
  readonly lifeSeconds?: number;
  readonly now: () => number;
  /** True: clients register by RFC 7591 alone, and are given id and secret. */
  readonly standard?: boolean;
  /** What registrations are answered, when not as usual. */
  readonly registration?: () => Response | null;
}

/** The rates that every double has. */
export const DOUBLE_RATES = [
  { symbol: 'BTC', name: 'Bitcoin', rate: 45000, change_24h: 1.25 },
  { symbol: 'ETH', name: 'Ethereum <b>', rate: 3200, change_24h: -0.5 },
];

/** Makes a server that knows nobody. */
export function createDouble(options: DoubleOptions): Double {
  const { issuer = 'http://localhost:8000', modern = true, standard = false, lifeSeconds = 7200, now } = options;
  const tokens = new Set<string>();
  let count = 0;

  const grant = (id: string): Response => {
    const exp = Math.floor(now() / 1000) + lifeSeconds;
    const payload = Buffer.from(JSON.stringify({ sub: id, exp, n: ++count })).toString('base64url');
    const value = `e30.${payload}.c2ln`;
    tokens.add(value);
    return Response.json(
      modern
        ? { access_token: value, token_type: 'Bearer', expires_in: lifeSeconds, scope: 'currency:read' }
        : { access_token: value, token_type: 'bearer' },
    );
  };
  const token = async (request: Request): Promise<Response> => {
    const authorization = request.headers.get('authorization');
    const type = request.headers.get('content-type');
    const body = await request.text();
    double.tokenRequests.push({ authorization, type, body });
    const [id, secret] = modern ? fromBasic(authorization) : fromJson(body);
    if (double.clients.has(id) && double.clients.get(id) === secret) return grant(id);
    return Response.json(modern ? { error: 'invalid_client' } : { detail: 'Unauthorized' }, { status: 401 });
  };
  const register = async (request: Request): Promise<Response> => {
    double.adminSecrets.push(request.headers.get('x-admin-secret'));
    const special = options.registration?.() ?? null;
    if (special !== null) return special;
    const body: unknown = await request.json();
    const { client_id, client_secret } = body as Record<string, string>;
    if (double.clients.has(client_id ?? '')) return Response.json({ detail: 'exists' }, { status: 400 });
    double.clients.set(client_id ?? '', client_secret ?? '');
    return Response.json({ message: 'Klient zarejestrowany', id: double.clients.size });
  };
  const registerByStandard = async (request: Request): Promise<Response> => {
    if (request.headers.get('authorization') !== 'Bearer initial-token') return new Response(null, { status: 401 });
    const id = `given-${++count}`;
    double.clients.set(id, `secret of ${id}`);
    const ends = Math.floor(now() / 1000) + 86_400;
    const given = { client_id: id, client_secret: `secret of ${id}`, client_secret_expires_at: ends };
    return Response.json({ ...given, registration_access_token: 'manages' }, { status: 201 });
  };
  const rates = (request: Request): Response => {
    const [, value = ''] = request.headers.get('authorization')?.split('Bearer ') ?? [];
    if (tokens.has(value)) return Response.json(DOUBLE_RATES);
    const challenge = modern ? 'Bearer error="invalid_token"' : 'Bearer';
    return Response.json({ detail: 'no' }, { status: 401, headers: { 'www-authenticate': challenge } });
  };
  const metadata = (): Response =>
    modern
      ? Response.json({
          issuer,
          token_endpoint: `${issuer}/api/auth/token`,
          ...(standard ? { registration_endpoint: `${issuer}/connect/register` } : {}),
        })
      : new Response(null, { status: 404 });

  const double: Double = {
    clients: new Map(),
    seen: [],
    tokenRequests: [],
    adminSecrets: [],
    down: false,
    revokeAll: () => tokens.clear(),
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (double.down) throw Object.assign(new TypeError('down'), { code: 'ECONNREFUSED' });
      double.seen.push(`${request.method} ${pathname}`);
      switch (pathname) {
        case '/.well-known/oauth-authorization-server':
          return metadata();
        case '/api/auth/token':
          return token(request);
        case '/api/auth/register':
          return standard ? new Response(null, { status: 404 }) : register(request);
        case '/connect/register':
          return registerByStandard(request);
        case '/api/currency/':
          return rates(request);
        case '/api/currency':
          return modern ? rates(request) : new Response(null, { status: 404 });
        case '/health':
          return Response.json({ status: 'ok', service: 'double' });
        default:
          return new Response(null, { status: 404 });
      }
    },
  };
  return double;
}

function fromBasic(authorization: string | null): [string, string] {
  const pair = Buffer.from(authorization?.replace('Basic ', '') ?? '', 'base64').toString('utf8');
  const [id = '', secret = ''] = pair.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  return [id, secret];
}

function fromJson(body: string): [string, string] {
  const { client_id = '', client_secret = '' } = JSON.parse(body);
  return [client_id, client_secret];
}
