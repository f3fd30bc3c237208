import { requestId, setRequestId } from './request-id';

/** Kept on the request itself, as its id is. */
const RECEIVED = Symbol('the request as it was received');

interface Standing extends Request {
  [RECEIVED]?: Request;
}

/** The request with the whole of its body, which was read from it: the same method, headers and id, and the same caller. */
export function withBody(received: Request, body: Uint8Array): Request {
  const { url, method, headers } = received;
  const whole: Standing = new Request(url, { method, headers, body });
  whole[RECEIVED] = received;
  setRequestId(whole, requestId(received));
  return whole;
}

/** The request that came over the connection: of that one alone the listening server knows who sent it and whether he is still there. */
export function receivedOf(request: Request): Request {
  return (request as Standing)[RECEIVED] ?? request;
}
