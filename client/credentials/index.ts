/** Who the client is and what it may hand out: credentials, their registration, tokens for local processes. Apart from status/, which only tells. */
import { Elysia, t } from 'elysia';
import type { AccessToken } from '../auth/token';
import { namedCredential } from '../credential-parameter';
import type { Clock } from '../ports';
import {
  Configure,
  ConfigureAnswer,
  CredentialModel,
  CredentialName,
  NewCredential,
  RegisterAnswer,
  SignIn,
  TokenAnswer,
} from './model';
import { credentialUnknown } from './problems';
import type { Credentials } from './registry';
import { NAME_PATTERN } from './stored';

/** What the routes need. */
export interface CredentialRoutesOptions {
  readonly credentials: Credentials;
  readonly clock: Pick<Clock, 'now'>;
  /** Told after another credential has come into use. */
  readonly changed: () => void;
}

/** Routes of credentials and tokens. Failures to get a token are thrown as `TokenError`. */
export function credentialRoutes(options: CredentialRoutesOptions) {
  return new Elysia({ name: 'credentials' }).use(tokenRoutes(options)).use(listRoutes(options));
}

function tokenRoutes({ credentials, clock, changed }: CredentialRoutesOptions) {
  const answer = (token: AccessToken, endsAtMs = token.expiresAtMs): Response => {
    const expires_in = Math.max(0, Math.floor((endsAtMs - clock.now()) / 1000));
    return secretJson({ access_token: token.value, token_type: token.type, expires_in });
  };
  /** The cache knows how old the token is even when the clock was set back meanwhile. */
  const held = async (name: string | null): Promise<Response> => {
    const { tokens } = credentials.get(name);
    const token = await tokens.token();
    return answer(token, Math.min(token.expiresAtMs, tokens.state().live?.expiresAtMs ?? token.expiresAtMs));
  };
  return new Elysia({ name: 'tokens' })
    .onParse(({ request }) => readJson(request))
    .post(
      '/api/register',
      async () => {
        const active = credentials.get(null);
        const { existing, answer } = await active.register();
        const data = existing ? { existing: true } : answer;
        return secretJson({ status: 'success', data, client_id: active.stored().clientId });
      },
      {
        response: { 200: RegisterAnswer },
        detail: { operationId: 'register', tags: ['Account'], summary: 'Register the active credential' },
      },
    )
    .post(
      '/api/token',
      async ({ body }) => {
        if (body?.client_id === undefined || body.client_secret === undefined) return held(null);
        const { client_id: clientId, client_secret: clientSecret } = body;
        const token = await credentials.signIn({ clientId, clientSecret, appName: null, adminSecret: null });
        changed();
        return answer(token);
      },
      {
        body: t.Optional(SignIn),
        response: { 200: TokenAnswer },
        detail: {
          operationId: 'obtainToken',
          tags: ['Account'],
          summary: 'Obtain a token, with another credential if one is given',
          description: 'A credential that is given becomes the active one once it has obtained a token.',
        },
      },
    )
    .get('/api/token', ({ request }) => held(namedCredential(request)), {
      response: { 200: TokenAnswer },
      detail: {
        operationId: 'getToken',
        tags: ['Account'],
        summary: 'A valid token for a local process',
        description: 'Of the active credential, or of that named by `?credential=`.',
      },
    })
    .post(
      '/api/configure',
      ({ body }) => {
        const { client_id, client_secret, app_name, admin_secret } = body;
        const given = { clientId: client_id, clientSecret: client_secret };
        credentials.configure({ ...given, appName: app_name ?? null, adminSecret: admin_secret ?? null });
        changed();
        const message = credentials.pinned ? USED_UNTIL_RESTART : USED_FROM_NOW_ON;
        return secretJson({ status: 'success', message, client_id });
      },
      {
        body: Configure,
        response: { 200: ConfigureAnswer },
        detail: { operationId: 'configure', tags: ['Account'], summary: 'Use another credential from now on' },
      },
    );
}

function listRoutes({ credentials, changed }: CredentialRoutesOptions) {
  const unlessChanged = <T>(work: () => T): T => {
    const before = credentials.active();
    const done = work();
    if (credentials.active() !== before) changed();
    return done;
  };
  const named = { params: t.Object({ name: CredentialName }) };
  return new Elysia({ name: 'credential-list' })
    .onParse(({ request }) => readJson(request))
    .onTransform(({ params }) => refuseOddName(params))
    .get('/api/credentials', () => secretJson(credentials.list()), {
      response: { 200: t.Array(CredentialModel) },
      detail: describe('listCredentials', 'All credentials; never a secret, a key or a token'),
    })
    .post(
      '/api/credentials',
      ({ body }) =>
        secretJson(
          unlessChanged(() => credentials.add(body)),
          201,
        ),
      {
        body: NewCredential,
        response: { 201: CredentialModel },
        detail: describe('addCredential', 'Keep another credential; without client_id one that registers itself'),
      },
    )
    .post(
      '/api/credentials/:name/use',
      ({ params: { name } }) => secretJson(unlessChanged(() => credentials.use(name))),
      { ...named, response: { 200: CredentialModel }, detail: describe('useCredential', 'Use it when none is named') },
    )
    .post(
      '/api/credentials/:name/rotate',
      async ({ params: { name } }) => {
        await credentials.get(name).rotate();
        return secretJson(credentials.get(name).view(credentials.active() === name));
      },
      {
        ...named,
        response: { 200: CredentialModel },
        detail: describe('rotateCredential', 'Change its secret at the server now'),
      },
    )
    .delete(
      '/api/credentials/:name',
      ({ params: { name } }) => {
        credentials.remove(name);
        return new Response(null, { status: 204 });
      },
      {
        ...named,
        detail: {
          ...describe('removeCredential', 'Take it away from this client; the server keeps the client'),
          responses: { 204: { description: 'It is gone' } },
          description: 'The one in use can be taken away only when there is no other.',
        },
      },
    );
}

const describe = (operationId: string, summary: string) => ({ operationId, tags: ['Account'], summary });

/** What can be no name is the name of nothing. */
function refuseOddName(params: unknown): void {
  const { name = 'a' } = { ...(params as { readonly name?: string } | undefined) };
  if (!NAME_PATTERN.test(name)) throw credentialUnknown();
}

const USED_FROM_NOW_ON = 'The credential is kept in the vault and used from now on.';

const USED_UNTIL_RESTART =
  'The credential is kept in the vault and used until the next start, when CLIENT_ID and CLIENT_SECRET of the environment win again: unset them to keep using it.';

/** Nothing on the way may keep these answers (RFC 6749 §5.1). */
function secretJson(body: object, status = 200): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}

/** The body as JSON, or undefined when there is none: a form, which any web page can post, is never taken for JSON. */
async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === '') return undefined;
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new SyntaxError('not application/json');
  return JSON.parse(text);
}
