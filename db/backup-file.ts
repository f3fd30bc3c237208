// The file of a backup: a line of JSON that says what it is; the database's files, gzipped; the SHA-256 of all before it, as a last
// line. It is written and read piece by piece, in memory of a few pieces whatever its length.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline, promises, type Transform } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { createPieces } from './pieces';

/** The file is no backup, or not whole any more. */
export class BackupBroken extends Error {
  override readonly name = 'BackupBroken';
}

const Header = t.Object({
  format: t.Literal('crypto-server backup 1'),
  /** Of the program that made it. */
  version: t.String(),
  /** RFC 3339. */
  made_at: t.String(),
  /** The migrations that the database has. */
  migrations: t.Array(t.String()),
});

/** What a backup says of itself. */
export type BackupHeader = (typeof Header)['static'];

/** What stands before the bytes of each file; the last one is `null`. */
const Entry = t.Union([t.Null(), t.Object({ path: t.String(), bytes: t.Integer({ minimum: -1 }) })]);

/** In the place of a length: a folder. */
const IS_FOLDER = -1;

/** Of hexadecimal digits and the line feed. */
const DIGEST_BYTES = 65;

/** The first line is a few hundred bytes; what has none in this many is something else. */
const HEADER_BYTES_MAX = 64 * 1024;

/** Read at a time. */
const PIECE_BYTES = 256 * 1024;

/** The bytes of a backup of this folder, which must not change meanwhile. */
export async function* writeBackup(folder: string, header: Omit<BackupHeader, 'format'>): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  const first = Buffer.from(`${JSON.stringify({ format: 'crypto-server backup 1', ...header })}\n`);
  digest.update(first);
  yield first;
  for await (const piece of through(createGzip({ level: 3 }), entriesOf(folder))) {
    digest.update(piece);
    yield piece;
  }
  yield Buffer.from(`${digest.digest('hex')}\n`);
}

/** What the file says of itself, once all of it was found to be as it was written. @throws BackupBroken */
export async function checkBackup(path: string): Promise<BackupHeader> {
  const end = statSync(path).size - DIGEST_BYTES;
  const { header } = readHeader(path);
  if (end <= 0) throw new BackupBroken(`${path} is cut off.`);
  const digest = createHash('sha256');
  for await (const piece of createReadStream(path, { end: end - 1 })) digest.update(piece);
  if (!readAt(path, end, DIGEST_BYTES).equals(Buffer.from(`${digest.digest('hex')}\n`)))
    throw new BackupBroken(`${path} is cut off or was changed: its SHA-256 is not what it says.`);
  return header;
}

/** Puts the files of a checked backup into this folder, for this user alone. @throws BackupBroken */
export async function unpackBackup(path: string, folder: string): Promise<void> {
  const packed = createReadStream(path, {
    start: readHeader(path).bytes,
    end: statSync(path).size - DIGEST_BYTES - 1,
  });
  const pieces = createPieces(through(createGunzip(), packed));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let entry = await nextEntry(pieces); entry !== null; entry = await nextEntry(pieces)) {
    const target = join(folder, entry.path);
    // A name may not lead out of the folder.
    if (relative(folder, target).startsWith('..'))
      throw new BackupBroken(`${path} holds a file outside of its folder.`);
    if (entry.bytes === IS_FOLDER) mkdirSync(target, { recursive: true, mode: 0o700 });
    else await unpackFile(target, pieces.take(entry.bytes));
  }
}

async function nextEntry(pieces: ReturnType<typeof createPieces>) {
  const entry: unknown = JSON.parse(await pieces.line(HEADER_BYTES_MAX));
  if (!Value.Check(Entry, entry)) throw new BackupBroken('An entry of the backup cannot be read.');
  return entry;
}

async function unpackFile(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await promises.pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
}

/** What these bytes become. Where one end leaves or fails the other stops: the files may be gone by then. */
function through(change: Transform, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  // Who reads is told of a failure.
  pipeline(bytes, change, () => {});
  return change;
}

async function* entriesOf(folder: string): AsyncGenerator<Uint8Array> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    const bytes = entry.isDirectory() ? IS_FOLDER : statSync(path).size;
    yield Buffer.from(`${JSON.stringify({ path: name, bytes })}\n`);
    if (bytes > 0) yield* createReadStream(path, { highWaterMark: PIECE_BYTES });
  }
  yield Buffer.from('null\n');
}

function readHeader(path: string): { header: BackupHeader; bytes: number } {
  const begin = readAt(path, 0, HEADER_BYTES_MAX);
  const bytes = begin.indexOf('\n') + 1;
  try {
    const header: unknown = JSON.parse(begin.toString('utf8', 0, bytes));
    if (Value.Check(Header, header)) return { header, bytes };
  } catch {
    // Said below.
  }
  throw new BackupBroken(`${path} is no backup of crypto-server, or one that only a newer version reads.`);
}

function readAt(path: string, position: number, length: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, position));
  } finally {
    closeSync(file);
  }
}
