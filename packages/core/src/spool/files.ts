import type { promises } from 'node:fs'
import { constants } from 'node:fs'

type NodeFs = typeof import('node:fs')

/** Functions of node:fs that the spool calls. Tests pass a file system that fails. */
export type Fs = Pick<
  NodeFs,
  | 'closeSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'statSync'
  | 'unlinkSync'
  | 'writeFileSync'
  | 'writevSync'
> & {
  readonly promises: Pick<
    NodeFs['promises'],
    'lstat' | 'mkdir' | 'open' | 'readdir' | 'rmdir' | 'stat' | 'unlink' | 'writeFile'
  >
}

export type FileHandle = Awaited<ReturnType<typeof promises.open>>

// Symbolic links are refused, because their targets would be read or overwritten. Windows has no such flag.
const NOFOLLOW = constants.O_NOFOLLOW ?? 0
export const READ: number = constants.O_RDONLY | NOFOLLOW
export const READ_WRITE: number = constants.O_RDWR | NOFOLLOW
export const CREATE: number = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
export const FILE_MODE = 0o600
export const DIRECTORY_MODE = 0o700

/** Writes all chunks, in several writes where one is cut short. @throws when the disk accepts no more bytes */
export async function writeAll(file: FileHandle, chunks: Uint8Array[], position: number): Promise<void> {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at)
    at += bytesWritten
    rest = unwritten(rest, bytesWritten)
  }
}

/** Synchronous `writeAll`. */
export function writeAllSync(fs: Fs, fd: number, chunks: Uint8Array[], position: number): void {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    const bytesWritten = fs.writevSync(fd, rest, at)
    at += bytesWritten
    rest = unwritten(rest, bytesWritten)
  }
}

function unwritten(chunks: Uint8Array[], bytesWritten: number): Uint8Array[] {
  if (bytesWritten === 0 && byteLength(chunks) > 0) throw new Error('the disk accepted no bytes')
  let skip = bytesWritten
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(skip - chunk.length, 0)
  }
  return rest
}

/** Fills a buffer from a file. @returns a part of the buffer when the file ends early */
export async function readInto(file: FileHandle, position: number, buffer: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** Smallest range of bytes that a disk reads. */
const BLOCK_BYTES = 4096
/** Limit of bad blocks for one read, because a failing disk takes seconds for each. */
const MAX_BAD_BLOCKS = 16

/**
 * Fills a buffer from the beginning of a file, and replaces bad blocks of the disk by zeros.
 * @returns `badBlock`: the error of the last bad block
 * @throws when too many blocks are bad, and on any other error
 */
export async function readAround(
  file: FileHandle,
  buffer: Buffer,
): Promise<{ readonly bytes: Buffer; readonly badBlock?: unknown }> {
  try {
    return { bytes: await readInto(file, 0, buffer) }
  } catch (error) {
    if (!isBadBlock(error)) throw error
  }
  let bad = 0
  let badBlock: unknown
  for (let at = 0; at < buffer.length; at += BLOCK_BYTES) {
    const block = buffer.subarray(at, at + BLOCK_BYTES)
    try {
      await readInto(file, at, block)
    } catch (error) {
      bad += 1
      if (!isBadBlock(error) || bad > MAX_BAD_BLOCKS) throw error
      block.fill(0)
      badBlock = error
    }
  }
  return { bytes: buffer, badBlock }
}

/** Detects the error of a bad block: other blocks of the same file may be readable. */
export function isBadBlock(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO'
}

/** Sums the sizes of chunks. */
export function byteLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** Closes a file descriptor and ignores errors, e.g. of a network drive. */
export function closeIgnoringErrors(fs: Fs, fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // Ignored: the operating system has freed the descriptor.
  }
}

/** Removes a file and ignores errors. */
export function removeIgnoringErrors(fs: Fs, path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // Ignored: the file is missing, or stays.
  }
}

/** Detects a missing path, or a file in place of one of its directories. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Detects missing permissions. */
export function isForbidden(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EACCES' || code === 'EPERM'
}

/** Detects a full disk or an exhausted disk quota of the user. */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
