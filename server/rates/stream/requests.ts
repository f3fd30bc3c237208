import { checkBody, readJson } from '../../../kit/http/json';
import { MessageId, STREAM_REQUESTS, type StreamRequest } from './model';

/** What a caller sent, or why it is nothing that is known; `id` is null when it has none that could be used. */
export type Received =
  | { readonly request: StreamRequest }
  | { readonly id: StreamRequest['id'] | null; readonly detail: string };

/** A message of a caller → what it asks for. What is wrong with it is told without anything of what was sent. */
export function readRequest(text: string): Received {
  const value = readJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { id: null, detail: 'The message is not a JSON object.' };
  const { type, id } = value as Record<string, unknown>;
  const known = checkBody(MessageId, id);
  const named = 'value' in known ? known.value : null;
  if (type !== 'subscribe' && type !== 'authorize')
    return { id: named, detail: 'The type of a message is subscribe or authorize.' };
  const checked = checkBody(STREAM_REQUESTS[type], value);
  if ('value' in checked) return { request: checked.value };
  const { path, detail } = checked.fault;
  return { id: named, detail: `${path.slice(1) || 'The message'} ${detail}.` };
}
