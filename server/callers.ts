import { createSource } from '../kit/http/peer';

/** The part of a listening server that knows who is connected. */
interface Listening {
  requestIP(request: Request): { readonly address: string } | null;
}

/** Who calls. */
export interface Callers {
  /** The address at the other end of the connection; empty when it is gone already. */
  peer(request: Request): string;
  /** The caller's address, behind trusted proxies. */
  source(request: Request): string;
  /** To be told where the server is: it comes to be after those who ask about its callers. */
  attach(server: () => Listening | null): void;
}

/** Asks the server that listens. */
export function createCallers(trusted: (address: string) => boolean): Callers {
  const sourceOf = createSource(trusted);
  let listening: () => Listening | null = () => null;
  const peer = (request: Request): string => listening()?.requestIP(request)?.address ?? '';
  return {
    peer,
    source: (request) => sourceOf(peer(request), request.headers),
    attach: (server) => {
      listening = server;
    },
  };
}
