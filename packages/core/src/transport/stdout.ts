import { isMainThread } from 'node:worker_threads'
import { ignoreErrorsOf, timers } from '@logbridge/bridge/internal'
import { append, appendSync, type Descriptor, isRegularFile, type LineSink } from './appendLines.ts'

const STDOUT = 1
/** Codes of a stdout that has no reader any more. */
const CLOSED: ReadonlySet<string> = new Set([
  'EPIPE',
  'EBADF',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
])

/**
 * Creates a sink for stdout. Lines pass through `process.stdout`, in turn with the writes of the application, because a pipe takes a
 * long write in parts. A regular file takes each write as a whole, and `process.stdout` would ignore that the disk is full.
 */
export function createStdoutSink(): LineSink {
  const descriptor: Descriptor = { fd: STDOUT, isTorn: false, appended: 0 }
  return {
    write: (lines, attempt) =>
      isRegularFile(STDOUT) ? append(descriptor, lines, attempt) : writeToStream(lines),
    writeSync(lines, endsAt) {
      const { stdout } = process
      if (isRegularFile(STDOUT)) return appendSync(descriptor, lines, endsAt)
      // A part of an earlier write may be in the pipe, which these lines would cut in two.
      if (stdout.writableLength > 0) {
        throw Object.assign(new Error('stdout is not read'), { code: 'EAGAIN' })
      }
      if (isMainThread) appendSync(descriptor, lines, endsAt)
      else stdout.write(lines)
    },
    isFinal: ({ code }) => CLOSED.has(code ?? ''),
    close() {},
  }
}

function writeToStream(lines: Buffer): Promise<void> {
  const { stdout } = process
  return new Promise((resolve, reject) => {
    ignoreErrorsOf(stdout, (written) => {
      stdout.write(lines, (error) => {
        written()
        if (error) reject(error)
        else resolve()
      })
      // A `write` of the application in place of the stream's may take no callback.
      timers.setImmediate(() => {
        if (stdout.writableLength === 0) resolve()
      })
    })
  })
}
