import type { Readable } from 'node:stream'
import { convertingReader, type FileReader } from '../follow/encoding.ts'
import { createLineReader } from '../reader.ts'
import type { Fields } from '../types.ts'
import type { Echo } from './echo.ts'
import type { Settings } from './flags.ts'
import type { Sender } from './sender.ts'

/** Creates the reader of one stream or file, whose records go to the sender. */
export function createSendingReader(
  { line, encoding }: Settings,
  sender: Sender,
  attributes: Readonly<Fields>,
  resource?: Fields,
): FileReader {
  const reader = createLineReader({
    ...line,
    attributes,
    onRecord: (record) => sender.emit(record, resource),
  })
  return encoding === undefined ? reader : convertingReader(reader, encoding)
}

/** Longest wait for bytes that are in a pipe already. */
const IDLE_MILLIS = 100
/** Most bytes that a pipe holds. */
const PIPE_BYTES = 1024 * 1024

/**
 * Reads a stream to its end, or until the signal aborts. Then the bytes that the pipe holds are still read, without waiting for room, because
 * their writer has ended. Copies each chunk to `echo` before the next one is read.
 *
 * @returns the number of bytes that came
 * @throws Error of the file system
 */
export async function readStream(
  stream: Readable,
  reader: FileReader,
  sender: Sender,
  echo: Echo | undefined,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  let bytesAfterAbort = 0
  let idle: NodeJS.Timeout | undefined
  const stop = (): void => void stream.destroy()
  const stopWhenIdle = (): void => void (idle = setTimeout(stop, IDLE_MILLIS))
  signal.addEventListener('abort', stopWhenIdle)
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      await echo?.write(chunk, signal)
      await sender.write(reader, chunk, signal)
      if (!signal.aborted) continue
      bytesAfterAbort += chunk.length
      if (bytesAfterAbort > PIPE_BYTES) break
      idle?.refresh()
    }
  } catch (error) {
    // A stream that is destroyed ends with an error.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stopWhenIdle)
    clearTimeout(idle)
    reader.end()
  }
  return bytes
}
