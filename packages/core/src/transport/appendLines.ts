import { fstatSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { timers, unref } from '@logbridge/bridge/internal'
import { now } from '../process/monotonic.ts'

const writeTo = promisify(write)
/** Delay before the next write to a pipe that is full, in milliseconds. */
const FULL_PIPE_MILLIS = 10
const NEWLINE = Buffer.from('\n')

/** Destination of OTLP JSON lines. */
export interface LineSink {
  /**
   * Appends whole lines. One call at a time.
   *
   * @param attempt ends the wait for a pipe that is full
   * @throws an error of Node.js when the lines were not written as a whole
   */
  write(lines: Buffer, attempt: AbortSignal): Promise<void>
  /**
   * Appends whole lines while the thread is blocked, also during a `write`.
   *
   * @param endsAt end of the wait for a pipe that is full, in milliseconds of `now()`
   * @throws an error of Node.js when the lines were not written as a whole
   */
  writeSync(lines: Buffer, endsAt: number): void
  /** Tells if an error of a write is final, because stdout stays closed. */
  isFinal(error: NodeJS.ErrnoException): boolean
  close(): void
}

/** Descriptor of a file or a pipe to which lines are appended. */
export interface Descriptor {
  readonly fd: number
  /** True when the last line lacks its end, so that a newline comes first. */
  isTorn: boolean
  /** Bytes that the last append has written. */
  appended: number
}

/**
 * Appends lines, in several writes when the kernel takes a part.
 * @throws when the lines were not written as a whole. `isTorn` then tells if a part of a line stands at the end.
 */
export async function append(to: Descriptor, lines: Buffer, attempt: AbortSignal): Promise<void> {
  const all = startOf(to, lines)
  let rest = all
  try {
    while (rest.length > 0) {
      try {
        const { bytesWritten } = await writeTo(to.fd, rest)
        rest = rest.subarray(bytesWritten)
      } catch (error) {
        if (!isFullPipe(error) || attempt.aborted) throw error
        await new Promise<void>((resolve) => unref(timers.setTimeout(resolve, FULL_PIPE_MILLIS)))
      }
    }
  } finally {
    noteEnd(to, lines, all, rest)
  }
}

/** Synchronous `append`. */
export function appendSync(to: Descriptor, lines: Buffer, endsAt: number): void {
  const all = startOf(to, lines)
  let rest = all
  try {
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(to.fd, rest))
      } catch (error) {
        if (!isFullPipe(error) || now() >= endsAt) throw error
        pause(FULL_PIPE_MILLIS)
      }
    }
  } finally {
    noteEnd(to, lines, all, rest)
  }
}

/** Blocks the thread. */
export function pause(millis: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)
}

function startOf({ isTorn }: Descriptor, lines: Buffer): Buffer {
  return isTorn ? Buffer.concat([NEWLINE, lines]) : lines
}

function noteEnd(to: Descriptor, lines: Buffer, all: Buffer, rest: Buffer): void {
  to.appended = all.length - rest.length
  if (to.appended > 0) to.isTorn = rest.length > 0 && rest.length < lines.length
}

function isFullPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}

/** Tells if a descriptor belongs to a regular file. */
export function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile()
  } catch {
    return false
  }
}
