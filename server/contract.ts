/** All that a caller may know of crypto-server, as types: nothing of its code comes along. */
export type { App } from './app';
/** One rate, as `/api/currency` answers it. */
export type { Rate } from './rates/model';
/** What `/api/currency/stream` and `/api/currency/events` send, and what a caller may send to the former. */
export type { StreamMessage, StreamRequest } from './rates/stream/model';
