/**
 * A refusal that a caller is told about: the one way for a handler to answer 4xx or 503.
 * Rendered as `application/problem+json` (RFC 9457). `detail` must hold nothing that was not the caller's own.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  headers: Readonly<Record<string, string>>;
  /** Further members of the problem object (RFC 9457 §3.2), such as `errors`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    title: string,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.headers = headers;
    this.members = members;
  }

  /** Its answer has these headers too, where it has none of its own of that name. */
  carry(headers: Readonly<Record<string, string>>): void {
    this.headers = { ...headers, ...this.headers };
  }
}

/** Something in a request that is not as its schema says: a JSON pointer (RFC 6901), and what is expected there. */
export interface FieldFault {
  readonly path: string;
  readonly detail: string;
}

/** 404. */
export function notFound(detail: string): Problem {
  return new Problem(404, 'Not Found', detail);
}

/** 409. */
export function conflict(detail: string): Problem {
  return new Problem(409, 'Conflict', detail);
}

/** 422; `errors`: which members of the request are at fault, where it is known. */
export function unprocessable(detail: string, errors: readonly FieldFault[] = []): Problem {
  return new Problem(422, 'Unprocessable Content', detail, {}, { errors });
}

/** The problem as an HTTP answer: `{type, title, status, detail, request_id}` and the problem's own members. */
export function problemResponse(problem: Problem, requestId: string): Response {
  const body = {
    type: 'about:blank',
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    request_id: requestId,
    ...problem.members,
  };
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...problem.headers },
  });
}
