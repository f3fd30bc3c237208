import { notFound } from '../kit/http/problem';

/** This client has one credential, without a name: whoever asks for one by name must not be given another's answer. Throws 404. */
export function refuseNamed(request: Request): void {
  if (!new URL(request.url).searchParams.has('credential')) return;
  throw notFound('There is no credential of that name.');
}
