// An exchange on this machine that says what the documentation of Coinbase Exchange shows, when a test wants it said.

/** What was asked for, as it was sent. */
export interface Subscription {
  readonly type: string;
  readonly product_ids: readonly string[];
  readonly channels: readonly string[];
}

/** The double. */
export interface TestExchange {
  readonly urls: { readonly socketUrl: string; readonly restUrl: string };
  /** Products that it has. */
  readonly products: Set<string>;
  /** Products that it had: still in the list, and refused by the feed and to who asks. */
  readonly delisted: Set<string>;
  /** The last trade of each, for who asks. */
  readonly trades: Map<string, { trade_id: number; price: string }>;
  /** Every subscription, and every path that was asked for, since the start. */
  readonly subscriptions: Subscription[];
  readonly asked: string[];
  /** Connections that are open. */
  connections(): number;
  /** False: connections are refused. */
  accepting: boolean;
  /** Answers questions with this instead; null: as it should. */
  answer: ((path: string) => Response | null) | null;
  send(message: object | string): void;
  cut(): void;
  stop(): Promise<void>;
}

/** A message of the channel `ticker`. */
export function tickerMessage(product: string, price: unknown, sequence: number, trade = sequence): object {
  return {
    type: 'ticker',
    sequence,
    product_id: product,
    price,
    open_24h: '1310.79',
    volume_24h: '245532.79269678',
    low_24h: '1280.52',
    high_24h: '1313.8',
    volume_30d: '9788783.60117027',
    best_bid: '1285.04',
    best_bid_size: '0.46688654',
    best_ask: '1285.27',
    best_ask_size: '1.56637040',
    side: 'buy',
    time: '2026-01-01T00:00:22.061769Z',
    trade_id: trade,
    last_size: '11.4396987',
  };
}

/** A message of the channel `heartbeat`. */
export function heartbeatMessage(product: string, sequence: number): object {
  const time = '2026-01-01T00:00:28.464459Z';
  return { type: 'heartbeat', sequence, last_trade_id: 20, product_id: product, time };
}

/** Starts the double on a free port of this machine. */
export function startExchange(products: readonly string[]): TestExchange {
  const sockets = new Set<Bun.ServerWebSocket<undefined>>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, self) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/feed') {
        const upgraded = exchange.accepting && self.upgrade(request);
        return upgraded ? undefined : new Response('Service Unavailable', { status: 503 });
      }
      exchange.asked.push(pathname);
      return exchange.answer?.(pathname) ?? answerOf(exchange, pathname);
    },
    websocket: {
      open: (socket) => void sockets.add(socket),
      close: (socket) => void sockets.delete(socket),
      message: (socket, data) => {
        const asked = JSON.parse(String(data)) as Subscription;
        exchange.subscriptions.push(asked);
        socket.send(JSON.stringify(subscribed(exchange, asked)));
      },
    },
  });
  const exchange: TestExchange = {
    urls: { socketUrl: `ws://127.0.0.1:${server.port}/feed`, restUrl: `http://127.0.0.1:${server.port}` },
    products: new Set(products),
    delisted: new Set(),
    trades: new Map(),
    subscriptions: [],
    asked: [],
    connections: () => sockets.size,
    accepting: true,
    answer: null,
    send: (message) => {
      for (const socket of sockets) socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    },
    cut: () => {
      for (const socket of sockets) socket.terminate();
    },
    stop: () => server.stop(true),
  };
  return exchange;
}

/** One product that is not traded spoils the question for all. */
function subscribed({ products, delisted }: TestExchange, { channels, product_ids }: Subscription): object {
  const refused = product_ids.find((product) => !products.has(product));
  if (refused === undefined)
    return { type: 'subscriptions', channels: channels.map((name) => ({ name, product_ids })) };
  const reason = delisted.has(refused) ? `${refused} is delisted` : `${refused} is not a valid product`;
  return { type: 'error', message: 'Failed to subscribe', reason };
}

/** An entry of `/products`. */
export function productEntry(id: string, status = 'online'): object {
  return { id, quote_currency: 'USD', status, status_message: '', trading_disabled: status !== 'online' };
}

function answerOf({ products, delisted, trades }: TestExchange, path: string): Response {
  if (path === '/products') {
    const entries = [...delisted].map((id) => productEntry(id, 'delisted'));
    return Response.json([...entries, ...[...products].map((id) => productEntry(id))]);
  }
  const product = path.split('/')[2] ?? '';
  if (delisted.has(product)) return Response.json({ message: 'Not allowed for delisted products' }, { status: 400 });
  const trade = trades.get(product);
  if (trade === undefined) return Response.json({ message: 'NotFound' }, { status: 404 });
  const time = '2026-01-01T00:00:22.061769Z';
  return Response.json({ ...trade, size: '0.2', time, bid: '1285.04', ask: '1285.27', volume: '245532.79269678' });
}
