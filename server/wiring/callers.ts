import { createSource } from '../../kit/http/peer';
import { Problem } from '../../kit/http/problem';
import { type ClientCertificate, createCertificateReader } from '../authentication/certificate';
import { OAuthError } from '../oauth/errors';

/** The part of a listening server that knows who is connected. */
interface Listening {
  requestIP(request: Request): { readonly address: string } | null;
}

/** Who calls. */
export interface Callers {
  /** The caller's address, behind trusted proxies; empty when the connection is gone already. */
  source(request: Request): string;
  /** The certificate that a trusted proxy passed on; null: none. @throws OAuthError invalid_request when it is malformed. */
  certificate(request: Request): ClientCertificate | null;
  /** Its `x5t#S256`, for a resource. @throws Problem 400 when it is malformed. */
  thumbprint(request: Request): string | null;
  /** To be told where the server is: it comes to be after those who ask about its callers. */
  attach(server: () => Listening | null): void;
}

/** Asks the server that listens. */
export function createCallers(trusted: (address: string) => boolean): Callers {
  const sourceOf = createSource(trusted);
  const readCertificate = createCertificateReader(trusted);
  let listening: () => Listening | null = () => null;
  const peer = (request: Request): string => listening()?.requestIP(request)?.address ?? '';
  const certificate = (request: Request) => readCertificate(request.headers, () => peer(request));
  return {
    source: (request) => sourceOf(peer(request), request.headers),
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
