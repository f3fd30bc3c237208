/** One element of DER (X.690 §8): its tag byte, what it holds, and all of its bytes. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** Tags that certificates are made of (X.680 §8.4). */
export const TAG = { boolean: 1, integer: 2, bitString: 3, octetString: 4, oid: 6, sequence: 0x30, set: 0x31 } as const;

/** What is not DER, or not what was expected there. */
export class DerFault extends Error {
  override readonly name = 'DerFault';
}

/** Reads the one element that the bytes are. @throws DerFault */
export function readOne(bytes: Uint8Array, tag: number): Element {
  const [element, more] = readAll(bytes);
  if (element === undefined || more !== undefined || element.tag !== tag) throw new DerFault('unexpected element');
  return element;
}

/** Reads all elements in a row. @throws DerFault */
export function readAll(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readAt(bytes, at);
    elements.push(element);
    at += element.whole.length;
  }
  return elements;
}

/** The elements inside of a constructed one. @throws DerFault */
export function childrenOf(bytes: Uint8Array, tag: number): Element[] {
  return readAll(readOne(bytes, tag).content);
}

/** An object identifier in dots. */
export function readOid(content: Uint8Array): string {
  const parts: number[] = [];
  let part = 0;
  for (const byte of content) {
    part = part * 128 + (byte & 0x7f);
    if (part > Number.MAX_SAFE_INTEGER / 128) throw new DerFault('object identifier too long');
    if (byte & 0x80) continue;
    parts.push(part);
    part = 0;
  }
  const [first = 0, ...rest] = parts;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join('.');
}

/** A whole number from 0 to 127: more is not asked for anywhere. @throws DerFault */
export function readSmallInteger(content: Uint8Array): number {
  const [value = 0x80] = content;
  if (content.length !== 1 || value > 0x7f) throw new DerFault('integer out of range');
  return value;
}

/** True when the bytes are the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Lengths have at most three bytes here: nothing we read is longer than 16 MB. */
const LENGTH_BYTES_MAX = 3;

function readAt(bytes: Uint8Array, at: number): Element {
  const tag = bytes[at] ?? 0;
  const short = bytes[at + 1];
  if ((tag & 0x1f) === 0x1f || short === undefined) throw new DerFault('unreadable element');
  const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
  if (lengthBytes > LENGTH_BYTES_MAX || short === 0x80) throw new DerFault('unreadable length');
  const begin = at + 2 + lengthBytes;
  const length = lengthBytes === 0 ? short : bytes.subarray(at + 2, begin).reduce((sum, byte) => sum * 256 + byte, 0);
  if (begin + length > bytes.length) throw new DerFault('element cut off');
  return { tag, content: bytes.subarray(begin, begin + length), whole: bytes.subarray(at, begin + length) };
}
