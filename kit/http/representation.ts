import { createHash } from 'node:crypto';
import { acceptedCodings, type Coding } from './accept-encoding';
import { Problem } from './problem';

/** What is at a path until it changes (RFC 9110 §3.2). */
export interface Representation {
  /** Another one for other content: the part of the entity tag before the coding. */
  readonly version: string;
  /** The bytes as they are; asked for when they are needed, and not before. */
  readonly content: () => Uint8Array<ArrayBuffer>;
}

/** A representation that never changes: its version is a hash of it. */
export function fixedRepresentation(content: Uint8Array<ArrayBuffer>): Representation {
  return { version: createHash('sha256').update(content).digest('base64url'), content: () => content };
}

/** Answers a request with a representation. @throws Problem 406 when the caller takes no coding of ours. */
export type Represent = (request: Request, representation: Representation) => Response;

/** Bodies of fewer bytes are sent as they are: they fit into one packet anyway. */
export const COMPRESSED_BYTES_MIN = 1_024;

/**
 * Answers with 304 to who has the representation (RFC 9110 §13.1.2), before its content is asked for, and else in the
 * coding that the caller likes best. Each coding is made once, when it is first asked for, and has a strong tag of its own,
 * since it is other bytes (§8.8.3.3). It stays with the representation: a copy of a ready `Response` costs less than a new one.
 */
export function createRepresent(headers: SentHeaders): Represent {
  const ready = new WeakMap<Representation, Partial<Record<Coding, Response>>>();
  const readyIn = (representation: Representation): Partial<Record<Coding, Response>> => {
    const made = {};
    ready.set(representation, made);
    return made;
  };
  const make = (representation: Representation, coding: Coding): Response =>
    new Response(CODERS[coding](representation.content()), {
      headers: contentHeaders(headers, representation, coding),
    });
  return (request, representation) => {
    const same = notModified(request, representation, headers);
    if (same !== null) return same;
    const coding = chosenCoding(representation, acceptedCodings(request.headers.get('accept-encoding')));
    if (asksForNone(request)) return unchanged(headers, representation, coding);
    const responses = ready.get(representation) ?? readyIn(representation);
    responses[coding] ??= make(representation, coding);
    return responses[coding].clone() as Response; // Bun's own types name another Response here.
  };
}

/** What every answer with a representation says of it; `vary` when it was chosen by more than the coding. */
export type SentHeaders = Readonly<Record<string, string>>;

/** The 304 for who says that he has this version (RFC 9110 §13.1.2), without a look at its content; null for others. */
export function notModified(
  request: Request,
  representation: Pick<Representation, 'version'>,
  headers: SentHeaders,
): Response | null {
  const known = request.headers.get('if-none-match');
  if (known === null) return null;
  const tags = known.split(',').map((tag) => tag.trim().replace(/^W\//, '')); // It compares weakly.
  // A coding that he does not take any more is none that he has.
  const codings = acceptedCodings(request.headers.get('accept-encoding'));
  const held = codings.find((coding) => tags.includes(tagOf(representation, coding)));
  return held === undefined ? null : unchanged(headers, representation, held);
}

/** True for who wants an answer only where there is nothing, whatever its version (`If-None-Match: *`). */
export function asksForNone(request: Request): boolean {
  return request.headers.get('if-none-match')?.trim() === '*';
}

/** The 304 under the tag of what would be sent. */
export function unchanged(
  headers: SentHeaders,
  representation: Pick<Representation, 'version'>,
  coding: Coding,
): Response {
  return new Response(null, { status: 304, headers: headersOf(headers, representation, coding) });
}

/** The headers of an answer with content in this coding. */
export function contentHeaders(
  headers: SentHeaders,
  representation: Pick<Representation, 'version'>,
  coding: Coding,
): SentHeaders {
  const encoded = coding === 'identity' ? {} : { 'content-encoding': coding };
  return { ...headersOf(headers, representation, coding), ...encoded };
}

function headersOf(headers: SentHeaders, representation: Pick<Representation, 'version'>, coding: Coding): SentHeaders {
  return { ...VARY, ...headers, etag: tagOf(representation, coding) };
}

const VARY = { vary: 'accept-encoding' };

const CODERS: Readonly<Record<Coding, (content: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>>> = {
  identity: (content) => content,
  gzip: (content) => Bun.gzipSync(content),
  zstd: (content) => new Uint8Array(Bun.zstdCompressSync(content)),
};

function tagOf({ version }: Pick<Representation, 'version'>, coding: Coding): string {
  return `"${version}-${coding}"`;
}

/** The coding that a caller likes best, of content whose length nobody knows yet. @throws Problem 406 */
export function bestCoding(request: Request): Coding {
  return bestOf(acceptedCodings(request.headers.get('accept-encoding')));
}

function bestOf([best]: readonly Coding[]): Coding {
  if (best === undefined) throw notAcceptable();
  return best;
}

function chosenCoding(representation: Representation, codings: readonly Coding[]): Coding {
  const best = bestOf(codings);
  if (best === 'identity' || !codings.includes('identity')) return best;
  return representation.content().byteLength < COMPRESSED_BYTES_MIN ? 'identity' : best;
}

function notAcceptable(): Problem {
  const detail = 'This is sent as it is, as gzip or as zstd, and Accept-Encoding allows none of them.';
  return new Problem(406, 'Not Acceptable', detail, VARY);
}
