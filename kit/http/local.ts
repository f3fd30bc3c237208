import { isLoopbackHost } from './origin';

/** Headers by which a proxy says that it passes somebody else's request on. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** True when a proxy says that the request is somebody else's. */
export function isForwarded(headers: Headers): boolean {
  return FORWARDED.some((name) => headers.has(name));
}

/** True for a loopback peer that names a loopback host and passes nobody's request on. */
export function isFromThisMachine(peer: string, headers: Headers): boolean {
  return isLoopbackAddress(peer) && isLoopbackHost(headers.get('host') ?? '') && !isForwarded(headers);
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}
