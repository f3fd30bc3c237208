/** Who the client is and what it may hand out: registration, tokens for local processes, another credential. Apart from status/, which only tells. */
import { Elysia, t } from 'elysia';
import type { AccessToken } from '../auth/token';
import { refuseNamed } from '../credential-parameter';
import type { Clock } from '../ports';
import type { Account } from './account';
import { Configure, ConfigureAnswer, RegisterAnswer, SignIn, TokenAnswer } from './model';

/** What the routes need. */
export interface AccountRoutesOptions {
  readonly account: Account;
  readonly clock: Pick<Clock, 'now'>;
  /** Told after the credential has changed. */
  readonly changed: () => void;
}

/** Routes of the account. Failures to get a token are thrown as `TokenError`. */
export function accountRoutes({ account, clock, changed }: AccountRoutesOptions) {
  const answer = (token: AccessToken): Response => {
    const expires_in = Math.max(0, Math.floor((token.expiresAtMs - clock.now()) / 1000));
    return secretJson({ access_token: token.value, token_type: 'Bearer', expires_in });
  };
  return new Elysia({ name: 'account' })
    .onParse(({ request }) => readJson(request))
    .post(
      '/api/register',
      async () => {
        const { existing, answer } = await account.register();
        const data = existing ? { existing: true } : answer;
        return secretJson({ status: 'success', data, client_id: account.active().clientId });
      },
      {
        response: { 200: RegisterAnswer },
        detail: { operationId: 'register', tags: ['Account'], summary: 'Register the active credential' },
      },
    )
    .post(
      '/api/token',
      async ({ body }) => {
        if (body?.client_id === undefined || body.client_secret === undefined) return answer(await account.token());
        const { client_id: clientId, client_secret: clientSecret } = body;
        const token = await account.signIn({ clientId, clientSecret, appName: null, adminSecret: null });
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
    .get('/api/token', async () => answer(await account.token()), {
      transform: ({ request }) => refuseNamed(request),
      response: { 200: TokenAnswer },
      detail: { operationId: 'getToken', tags: ['Account'], summary: 'A valid token for a local process' },
    })
    .post(
      '/api/configure',
      ({ body }) => {
        const { client_id, client_secret, app_name, admin_secret } = body;
        const given = { clientId: client_id, clientSecret: client_secret };
        account.configure({ ...given, appName: app_name ?? null, adminSecret: admin_secret ?? null });
        changed();
        const message = account.pinned ? USED_UNTIL_RESTART : USED_FROM_NOW_ON;
        return secretJson({ status: 'success', message, client_id });
      },
      {
        body: Configure,
        response: { 200: ConfigureAnswer },
        detail: { operationId: 'configure', tags: ['Account'], summary: 'Use another credential from now on' },
      },
    );
}

const USED_FROM_NOW_ON = 'The credential is kept in the vault and used from now on.';

const USED_UNTIL_RESTART =
  'The credential is kept in the vault and used until the next start, when CLIENT_ID and CLIENT_SECRET of the environment win again: unset them to keep using it.';

/** Nothing on the way may keep these answers (RFC 6749 §5.1). */
function secretJson(body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { headers });
}

/** The body as JSON, or undefined when there is none: a form, which any web page can post, is never taken for JSON. */
async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === '') return undefined;
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new SyntaxError('not application/json');
  return JSON.parse(text);
}
