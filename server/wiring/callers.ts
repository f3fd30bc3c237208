import { createSource } from '../../kit/http/peer';
import { Problem } from '../../kit/http/problem';
import { receivedOf } from '../../kit/http/received';
import { type ClientCertificate, createCertificateReader } from '../authentication/certificate';
import { OAuthError } from '../oauth/errors';

/** The part of a listening server that knows who is connected. */
interface Listening {
  requestIP(request: Request): { readonly address: string } | null;
}

/** Who calls. */
export interface Callers {
  /** The caller's address, behind trusted proxies; empty when he left before anybody asked. @throws CallerUnknown */
  source(request: Request): string;
  /** The same for those who only tell of it: null when it is not known. */
  seen(request: Request): string | null;
  /** The certificate that a trusted proxy passed on; null: none. @throws OAuthError invalid_request when it is malformed. */
  certificate(request: Request): ClientCertificate | null;
  /** Its `x5t#S256`, for a resource. @throws Problem 400 when it is malformed. */
  thumbprint(request: Request): string | null;
  /** To be told where the server is: it comes to be after those who ask about its callers. */
  attach(server: () => Listening | null): void;
}

/** Somebody waits for an answer, and the server does not know who: all like him would share one limit, so he gets none. */
export class CallerUnknown extends Error {
  constructor() {
    super('the server does not know from where a request came');
  }
}

/** Asks the server that listens. */
export function createCallers(trusted: (address: string) => boolean): Callers {
  const sourceOf = createSource(trusted);
  const readCertificate = createCertificateReader(trusted);
  let listening: () => Listening | null = () => null;
  // Whoever leaves while he is being judged is still who he was when he came.
  const peers = new WeakMap<Request, string>();
  const peer = (request: Request): string => {
    const received = receivedOf(request);
    const address = peers.get(received) ?? listening()?.requestIP(received)?.address;
    if (address !== undefined) peers.set(received, address);
    else if (!received.signal.aborted) throw new CallerUnknown();
    return address ?? '';
  };
  const source = (request: Request): string => sourceOf(peer(request), request.headers);
  const certificate = (request: Request) => readCertificate(request.headers, () => peer(request));
  return {
    source,
    seen: (request) => {
      try {
        return source(request) || null;
      } catch (error) {
        if (error instanceof CallerUnknown) return null;
        throw error;
      }
    },
    certificate,
    thumbprint: (request) => {
      try {
        return certificate(request)?.thumbprint ?? null;
      } catch (error) {
        if (error instanceof OAuthError) throw new Problem(400, 'Bad Request', error.description);
        throw error;
      }
    },
    attach: (server) => {
      listening = server;
    },
  };
}
