import type { promises } from 'node:fs'
import { constants } from 'node:fs'

type NodeFs = typeof import('node:fs')

/** What the spool uses of node:fs; tests hand in one that fails. */
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

// A symbolic link is never followed: what a segment's name leads to would be read, or written to. (Windows has no such flag.)
const NOFOLLOW = constants.O_NOFOLLOW ?? 0
export const READ: number = constants.O_RDONLY | NOFOLLOW
export const READ_WRITE: number = constants.O_RDWR | NOFOLLOW
export const CREATE: number = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL
export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/** Writes all of it, in however many steps; rejects when the disk takes no more. */
export async function writeAll(file: FileHandle, chunks: Uint8Array[], position: number): Promise<void> {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at)
    at += bytesWritten
    rest = unwritten(rest, bytesWritten)
  }
}

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
  if (bytesWritten === 0 && byteLength(chunks) > 0) throw new Error('nothing was written')
  let skip = bytesWritten
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(skip - chunk.length, 0)
  }
  return rest
}

/** Fills a buffer from a file. @returns less of the buffer when the file ends before */
export async function readInto(file: FileHandle, position: number, buffer: Buffer): Promise<Buffer> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** A disk reads whole blocks. */
const BLOCK_BYTES = 4096
/** A disk that can read none of its blocks takes seconds for each. */
const MAX_BAD_BLOCKS = 16

/**
 * Fills a buffer from the beginning of a file. Where a place on the disk is bad, zeros stand for what cannot be read.
 * @returns the error of the last bad place, if there is one
 * @throws when too many places are bad, and for any other error
 */
export async function readAround(
  file: FileHandle,
  buffer: Buffer,
): Promise<{ readonly bytes: Buffer; readonly badPlace?: unknown }> {
  try {
    return { bytes: await readInto(file, 0, buffer) }
  } catch (error) {
    if (!isOfPlace(error)) throw error
  }
  let bad = 0
  let badPlace: unknown
  for (let at = 0; at < buffer.length; at += BLOCK_BYTES) {
    const block = buffer.subarray(at, at + BLOCK_BYTES)
    try {
      await readInto(file, at, block)
    } catch (error) {
      bad += 1
      if (!isOfPlace(error) || bad > MAX_BAD_BLOCKS) throw error
      block.fill(0)
      badPlace = error
    }
  }
  return { bytes: buffer, badPlace }
}

/** Whether a read has failed for its place on the disk, where others of the same file may not. */
export function isOfPlace(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EIO'
}

export function byteLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** Closes a descriptor. A network drive may fail here, which leaves nothing to do. */
export function closeQuietly(fs: Fs, fd: number): void {
  try {
    fs.closeSync(fd)
  } catch {
    // The system has freed the descriptor all the same.
  }
}

export function removeQuietly(fs: Fs, path: string): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // It was never written, or stays.
  }
}

/** Whether there is nothing at a path, or a file where a directory should be. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Whether what is at a path is kept from this user. */
export function isForbidden(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EACCES' || code === 'EPERM'
}

/** Whether a disk, or what a user may have of it, is full. */
export function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
