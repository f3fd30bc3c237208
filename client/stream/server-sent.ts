import type { Channel, Listener } from './channel';
import { MESSAGE_CHARACTERS_MAX } from './messages';

/** Where a server gives its rates as server-sent events. */
const PATH = '/api/currency/events';

/** The request for the stream; `lastSeq` is the last number that was heard, and what follows it is sent, or all rates where null. */
export function eventsRequest(serverUrl: string, lastSeq: number | null, signal: AbortSignal): Request {
  const headers = new Headers({ accept: 'text/event-stream' });
  if (lastSeq !== null) headers.set('last-event-id', String(lastSeq));
  return new Request(`${serverUrl}${PATH}`, { headers, signal, redirect: 'manual' });
}

/** True for an answer that is a stream of events. */
export function isEvents(response: Response): boolean {
  return response.status === 200 && /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '');
}

/** Reads the events of an answer until it ends (WHATWG HTML §9.2.6). A comment counts as a sign of life: an empty message. */
export function readEvents(response: Response, ending: AbortController, listener: Listener): Channel {
  let isOver = false;
  const over = (): void => {
    if (!isOver) listener.closed(null);
    isOver = true;
  };
  const read = async (): Promise<void> => {
    const parse = createParser((text) => {
      if (!isOver) listener.message(text);
    });
    const decoder = new TextDecoderStream() as never; // It takes bytes of any kind, which Bun's types do not see to include these.
    const text = (response.body ?? new Blob([]).stream()).pipeThrough(decoder);
    const pieces = text as unknown as AsyncIterable<string>; // Bun's streams can be iterated over; its types do not say so.
    for await (const chunk of pieces) if (!parse(chunk)) break;
  };
  void read()
    .catch(() => {}) // However it ends, it is over.
    .then(() => {
      over();
      ending.abort();
    });
  return {
    transport: 'events',
    authorize: () => false,
    askAll: () => false,
    close() {
      isOver = true;
      ending.abort();
    },
  };
}

/** @returns takes pieces of text; false when a line or an event is longer than any of ours. */
function createParser(heard: (data: string) => void): (chunk: string) => boolean {
  let rest = '';
  let data: string[] = [];
  let characters = 0;
  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0) heard(data.join('\n'));
      [data, characters] = [[], 0];
    } else if (text.startsWith(':')) heard('');
    else if (text.startsWith('data:')) {
      data.push(text.slice(text.startsWith('data: ') ? 6 : 5));
      characters += text.length;
    }
  };
  return (chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const one of lines) line(one);
    return rest.length + characters <= MESSAGE_CHARACTERS_MAX;
  };
}
