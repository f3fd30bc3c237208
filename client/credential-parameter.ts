import { Problem } from '../kit/http/problem';

/** This client has one credential, without a name: whoever asks for one by name must not be given another's answer. Throws 404. */
export function refuseNamed(request: Request): void {
  if (!new URL(request.url).searchParams.has('credential')) return;
  throw new Problem(404, 'Not Found', 'There is no credential of that name.');
}
