// What Coinbase Exchange says, as far as it is looked at; there is more in each of these, and more may come.
import { Type as T } from '@sinclair/typebox';

const Count = T.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The last trade of a product: the answer of `/products/{id}/ticker`, and a part of the message. */
export const Trade = T.Object({ price: T.String({ maxLength: 64 }), trade_id: Count });

/** A message of the channel `ticker`: there was a trade. */
export const Ticker = T.Composite([
  Trade,
  T.Object({ type: T.Literal('ticker'), product_id: T.String(), sequence: Count }),
]);

/** A message of the channel `heartbeat`, once a second and product. */
export const Heartbeat = T.Object({ type: T.Literal('heartbeat') });

/** What was sent to it is refused. */
export const Refused = T.Object({
  type: T.Literal('error'),
  message: T.String(),
  reason: T.Optional(T.String()),
});

/** Any other message: new types may come at any time, says the documentation, and are to be passed over. */
export const Other = T.Object({ type: T.String() });

/** An entry of `/products` whose product is traded; there are others of products that are not (any more, or just now). */
export const Traded = T.Object({
  id: T.String({ maxLength: 64 }),
  status: T.Literal('online'),
  trading_disabled: T.Optional(T.Literal(false)),
});

/** A request for messages about these products, or for no more of them. */
export function subscription(type: 'subscribe' | 'unsubscribe', products: readonly string[]): string {
  return JSON.stringify({ type, product_ids: products, channels: ['ticker', 'heartbeat'] });
}
