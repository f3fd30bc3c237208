/**
 * A committed change of a client, as the database announces it to every server: its secrets alone changed, it is gone, or its row
 * changed, whose epoch and own limit for the API (null: the server's) must be known of every client at once.
 */
export type ClientNews =
  | { readonly kind: 'secrets'; readonly clientId: string }
  | { readonly kind: 'gone'; readonly clientId: string }
  | { readonly kind: 'row'; readonly clientId: string; readonly epoch: number; readonly limitApi: string | null };

/** In the words of the triggers: `<client_id>`, `<client_id> gone` or `<client_id> <epoch>[ <limit_api>]`; none of them has a blank in it. */
export function formatNews(news: ClientNews): string {
  switch (news.kind) {
    case 'secrets':
      return news.clientId;
    case 'gone':
      return `${news.clientId} gone`;
    case 'row':
      return [news.clientId, news.epoch, ...(news.limitApi === null ? [] : [news.limitApi])].join(' ');
  }
}

/** The inverse of {@link formatNews}. */
export function parseNews(text: string): ClientNews {
  const [clientId = '', standing, limitApi = null] = text.split(' ');
  if (standing === undefined) return { kind: 'secrets', clientId };
  return standing === 'gone'
    ? { kind: 'gone', clientId }
    : { kind: 'row', clientId, epoch: Number(standing), limitApi };
}
