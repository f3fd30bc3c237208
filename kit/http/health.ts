import { Elysia, t } from 'elysia';
import { nullable } from './schemas';

/** What health looks at. */
export interface Vitals {
  /** The program's own name. */
  readonly service: 'crypto-server' | 'crypto-client';
  /** False before the start is complete and once the stop has begun. */
  readonly serving: () => boolean;
  readonly dependencies: readonly Dependency[];
}

/** What a program leans on, and does without for a while. */
export interface Dependency {
  readonly name: string;
  readonly state: () => DependencyState;
  /** What goes on without it, for the document: "while … ". */
  readonly without: string;
  /** How old what it last said is, where that tells something; null: it has said nothing yet. */
  readonly ageSeconds?: () => number | null;
}

const STATES = ['ok', 'away', 'refused', 'stale', 'unreadable'] as const;

/**
 * `refused`: it was reached, and turns this program away; `stale`: it was reached, and what has changed there cannot be taken
 * in; `unreadable`: it is there, encrypted under a key that this program does not have.
 */
export type DependencyState = (typeof STATES)[number];

const Health = t.Object({ status: t.Literal('ok'), service: t.String() });
const Live = t.Object({ status: t.Literal('ok') });

/** How the program is, for people, load balancers and orchestrators: `/health`, `/health/live`, `/health/ready`. */
export function healthRoutes({ service, serving, dependencies }: Vitals) {
  const aged = dependencies.filter(({ ageSeconds }) => ageSeconds !== undefined);
  const Ready = t.Object({
    status: t.Union([t.Literal('ok'), t.Literal('degraded'), t.Literal('stopping')]),
    ...Object.fromEntries(dependencies.map(({ name }) => [name, t.UnionEnum([...STATES])])),
    ...Object.fromEntries(aged.map(({ name }) => [`${name}_age_seconds`, nullable(t.Integer({ minimum: 0 }))])),
  });
  const ready = (): Response => {
    const states = Object.fromEntries(dependencies.map(({ name, state }) => [name, state()]));
    const ages = Object.fromEntries(
      aged.map(({ name, ageSeconds }) => [`${name}_age_seconds`, ageSeconds?.() ?? null]),
    );
    const status = Object.values(states).every((now) => now === 'ok') ? 'ok' : 'degraded';
    return serving()
      ? json(200, { status, ...states, ...ages })
      : json(503, { status: 'stopping', ...states, ...ages });
  };
  const without = dependencies.map((one) => `without ${one.name} ${one.without}`).join('; ');
  return new Elysia({ name: 'health' })
    .get('/health', () => json(200, { status: 'ok', service }), {
      response: { 200: Health },
      detail: { operationId: 'health', security: [], tags: ['Health'], summary: `Is this ${service}?` },
    })
    .get('/health/live', () => json(200, { status: 'ok' }), {
      response: { 200: Live },
      detail: { operationId: 'live', security: [], tags: ['Health'], summary: 'Is the process alive?' },
    })
    .get('/health/ready', ready, {
      response: { 200: Ready, 503: Ready },
      detail: {
        operationId: 'ready',
        security: [],
        tags: ['Health'],
        summary: 'Should requests be sent here?',
        description: `200 also while something is missing ("degraded"), so that one outage does not become two: ${without}. 503 while stopping.`,
      },
    });
}

function json(status: number, body: object): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return new Response(JSON.stringify(body), { status, headers });
}
