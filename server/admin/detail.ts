/** The three ways in, for the document. */
const SECURITY = [{ adminSecret: [] }, { accessToken: ['admin'] }, { consoleSession: [], csrfToken: [] }];

/** What the document says of a route of the administration. */
export function describeRoute(operationId: string, summary: string, description?: string) {
  const said = description === undefined ? {} : { description };
  return { operationId, tags: ['Administration'], summary, security: SECURITY, ...said };
}
