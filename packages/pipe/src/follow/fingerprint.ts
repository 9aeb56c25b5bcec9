import { hash } from 'node:crypto'
import { readSync } from 'node:fs'

/** Longest part of a file that a fingerprint covers, in bytes. */
export const FINGERPRINT_BYTES = 1024

/** Checksum of some bytes of a file. */
export interface Checksum {
  readonly bytes: number
  readonly hash: string
}

/**
 * Content by which a file is found again after a rename or a restart: its first bytes, and the bytes before an offset. The first bytes alone would
 * take files with equal beginnings for one.
 */
export interface Fingerprint {
  /** First bytes of the file, 1024 at most, and no byte from the offset on. */
  readonly head: Checksum
  /** Bytes before the offset, 1024 at most. */
  readonly tail: Checksum
}

/** Returns the fingerprint of an open file at an offset. */
export function fingerprintAt(fd: number, offset: number): Fingerprint {
  const bytes = Math.min(FINGERPRINT_BYTES, offset)
  return { head: checksum(bytesAt(fd, 0, bytes)), tail: checksum(bytesAt(fd, offset - bytes, bytes)) }
}

/** Tests if an open file has a fingerprint at an offset. */
export function hasFingerprint(fd: number, offset: number, { head, tail }: Fingerprint): boolean {
  return hasChecksum(fd, 0, head) && hasChecksum(fd, offset - tail.bytes, tail)
}

/** Reads bytes of a file, fewer at its end. */
export function bytesAt(fd: number, offset: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let length = 0
  while (length < bytes) {
    const count = readSync(fd, buffer, length, bytes - length, offset + length)
    if (count === 0) break
    length += count
  }
  return buffer.subarray(0, length)
}

function hasChecksum(fd: number, offset: number, expected: Checksum): boolean {
  if (offset < 0) return false
  const { bytes, hash: found } = checksum(bytesAt(fd, offset, expected.bytes))
  return bytes === expected.bytes && found === expected.hash
}

function checksum(bytes: Buffer): Checksum {
  return { bytes: bytes.length, hash: hash('sha256', bytes, 'hex').slice(0, 32) }
}
