// How often servers of tests are asked for a token.
import type { TestServerOptions } from '../../server/testing';

/** Counts the token requests of every server that is started with its `change`. */
export function countTokenRequests(): { readonly change: NonNullable<TestServerOptions['change']>; count(): number } {
  let count = 0;
  return {
    change: (services) => ({
      ...services,
      tokens: {
        ...services.tokens,
        issue: (request) => {
          count += 1;
          return services.tokens.issue(request);
        },
      },
    }),
    count: () => count,
  };
}
