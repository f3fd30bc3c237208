/** One price as an exchange tells it. */
export interface Quote {
  /** US dollars, as `readPrice` has passed them. */
  readonly rate: string;
  /** Numbers the trades of one product, in messages and in answers alike. */
  readonly trade: number;
}

/** What a message of an exchange says: a price, numbered in the order of the connection; that it is there; that it refuses. */
export type Told =
  | { readonly kind: 'quote'; readonly product: string; readonly quote: Quote; readonly sequence: number }
  | { readonly kind: 'alive' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'other' };

/** What has to be known of an exchange: where it is, and its words. Pure; another exchange is another one of these. */
export interface Exchange {
  readonly name: string;
  readonly socketUrl: string;
  readonly productsUrl: string;
  /** The product whose price in US dollars is the rate of a currency. */
  productOf(symbol: string): string;
  quoteUrl(product: string): string;
  subscription(act: 'subscribe' | 'unsubscribe', products: readonly string[]): string;
  /** A message, parsed; null: it is not understood. */
  readMessage(message: unknown): Told | null;
  /** The answer about one product; null: it is not understood. */
  readQuote(answer: unknown): Quote | null;
  /** The answer about all products: those that are traded; null: it is not understood. */
  readProducts(answer: unknown): ReadonlySet<string> | null;
}
