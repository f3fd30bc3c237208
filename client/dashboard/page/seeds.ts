/** Fetches what the lines of currencies were before the page was opened: a few at a time, and only of those that are looked at. */
import { type Api, ApiError } from './api';
import type { Market } from './market';

/** Asked for in one-minute candles: the hour that a line shows. */
const CANDLES = 60;

/** At a time, so that a long table leaves room for everything else. */
const TOGETHER = 3;

/** Fetches lines. */
export interface Seeds {
  /** Those that are looked at now; what was wanted before and has not begun is forgotten. */
  want(symbols: readonly string[]): void;
}

/** A server that has no candles is not asked again before all rates come anew; one that could not answer, as soon as lines are wanted again. */
export function createSeeds({ api, market }: { readonly api: Api; readonly market: Market }): Seeds {
  const asked = new Set<string>();
  let wanted: string[] = [];
  let running = 0;
  let failedIn = -1;
  const next = async (): Promise<void> => {
    const list = wanted;
    const symbol = list.shift();
    if (symbol === undefined || failedIn === market.epoch()) return;
    asked.add(symbol);
    try {
      market.seed(symbol, await api.candles(symbol, '1m', CANDLES));
    } catch (error) {
      asked.delete(symbol);
      list.length = 0;
      if (error instanceof ApiError && error.status === 404) failedIn = market.epoch();
    }
    await next();
  };
  return {
    want(symbols) {
      wanted = symbols.filter((symbol) => !asked.has(symbol));
      while (running < Math.min(TOGETHER, wanted.length)) {
        running += 1;
        void next().finally(() => {
          running -= 1;
        });
      }
    },
  };
}
