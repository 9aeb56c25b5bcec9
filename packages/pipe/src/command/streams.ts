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

/**
 * Reads a stream to its end, or until the signal aborts. Copies each chunk to `echo` before the next one is read.
 *
 * @returns the number of bytes that came
 */
export async function readStream(
  stream: Readable,
  reader: FileReader,
  sender: Sender,
  echo: Echo | undefined,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop)
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length
      await echo?.write(chunk, signal)
      await sender.write(reader, chunk, signal)
    }
  } catch (error) {
    // A stream that is destroyed ends with an error.
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    reader.end()
  }
  return bytes
}
