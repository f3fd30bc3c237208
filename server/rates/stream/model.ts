import { Type } from '@sinclair/typebox';
import { type Static, t } from 'elysia';
import { moment, nullable } from '../../../kit/http/schemas';
import { Rates } from '../model';
import { SYMBOLS_MAX } from '../symbols';

/** Whole numbers as JSON has them; the framework's own would also take texts. */
const whole = (description: string) => Type.Integer({ minimum: 0, description, examples: [1042] });

const seq = whole('Number of the tick that the rates are of; the same on every server, rising by one with each tick.');

const symbols = (description: string) =>
  t.Array(t.String({ minLength: 1, maxLength: 16, error: 'must be the symbol of a currency' }), {
    maxItems: SYMBOLS_MAX,
    description,
    examples: [['BTC', 'ETH']],
    error: `must be a list of at most ${SYMBOLS_MAX} symbols; none: all`,
  });

/** What a caller names a message of his by, to know the answer to it. */
export const MessageId = t.Union([t.String({ maxLength: 64 }), Type.Integer()], {
  description: 'Comes back in the answer.',
  examples: ['1'],
  error: 'must be a text of at most 64 characters or a whole number',
});

/** All rates of the subscription: first of all, after `subscribed`, and whenever a currency comes or goes. */
export const SnapshotMessage = t.Object({ type: t.Literal('snapshot'), seq, rates: Rates });

/** The rates of the subscription after one tick or several. */
export const UpdateMessage = t.Object({
  type: t.Literal('update'),
  from_seq: whole('The `seq` that you had: several ticks may be folded into one update, and none is left out.'),
  seq,
  rates: Rates,
});

/** Nothing has happened for a while. */
export const HeartbeatMessage = t.Object({ type: t.Literal('heartbeat'), seq });

/** The server stops; the connection is closed after it. */
export const ShutdownMessage = t.Object({
  type: t.Literal('shutdown'),
  reconnect_after_ms: whole('Come back after so long, and not all at once: everybody is told another time.'),
});

/** The answer to `subscribe`; a fresh snapshot follows. */
export const SubscribedMessage = t.Object({
  type: t.Literal('subscribed'),
  id: MessageId,
  symbols: t.Array(t.String(), { description: 'Sorted; empty: all.', examples: [['BTC', 'ETH']] }),
});

/** The answer to `authorize`. */
export const AuthorizedMessage = t.Object({
  type: t.Literal('authorized'),
  id: MessageId,
  expires_at: moment('When the token ends that the connection stands on from now on.'),
});

/** The answer to a message that was refused; all stays as it was. */
export const ErrorMessage = t.Object({
  type: t.Literal('error'),
  id: nullable(MessageId),
  detail: t.String({ description: 'What is wrong with it, for people.' }),
});

/** Other currencies from now on. */
export const SubscribeMessage = t.Object(
  {
    type: t.Literal('subscribe'),
    id: MessageId,
    symbols: t.Optional(symbols('In any letter case; left out or empty: all.')),
  },
  { additionalProperties: false },
);

/** Characters of a token; ours are shorter. */
const TOKEN_CHARACTERS_MAX = 16_384;

/** Another token of the same client, before the one in use ends. */
export const AuthorizeMessage = t.Object(
  {
    type: t.Literal('authorize'),
    id: MessageId,
    token: t.String({
      maxLength: TOKEN_CHARACTERS_MAX,
      error: `must be an access token, a text of at most ${TOKEN_CHARACTERS_MAX} characters`,
      description: 'An access token of the same client for the same resource, bound to the same key or certificate.',
    }),
  },
  { additionalProperties: false },
);

/** All that the server sends, by `type`; server-sent events know `snapshot`, `update` and `shutdown`. */
export const STREAM_MESSAGES = {
  snapshot: SnapshotMessage,
  update: UpdateMessage,
  heartbeat: HeartbeatMessage,
  shutdown: ShutdownMessage,
  subscribed: SubscribedMessage,
  authorized: AuthorizedMessage,
  error: ErrorMessage,
} as const;

/** All that a caller may send, by `type`. */
export const STREAM_REQUESTS = { subscribe: SubscribeMessage, authorize: AuthorizeMessage } as const;

/** A message of the server. */
export type StreamMessage = Static<(typeof STREAM_MESSAGES)[keyof typeof STREAM_MESSAGES]>;

/** A message of a caller. */
export type StreamRequest = Static<(typeof STREAM_REQUESTS)[keyof typeof STREAM_REQUESTS]>;
