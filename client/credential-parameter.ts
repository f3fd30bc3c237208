/** Which credential a request names by `?credential=NAME`; null: none, and so the one in use. */
export function namedCredential(request: Request): string | null {
  return new URL(request.url).searchParams.get('credential');
}
