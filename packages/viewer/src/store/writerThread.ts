/** Worker thread that stores requests. Answers each message with its result or its error. */
import { parentPort, workerData } from 'node:worker_threads'
import { TooLargeError } from '../memory.ts'
import { openWriter } from './writer.ts'
import type { WriterRequest, WriterResponse } from './store.ts'

const { file, bounds, maxMessageBytes } = workerData as {
  file: string
  bounds: Parameters<typeof openWriter>[1]
  maxMessageBytes: number
}
const writer = openWriter(file, bounds, maxMessageBytes)

parentPort!.on('message', (request: WriterRequest) => {
  parentPort!.postMessage(answer(request), [])
  if (request.type === 'close') parentPort!.close()
})
parentPort!.postMessage({ id: 0, written: writer.written() } satisfies WriterResponse, [])

function answer(request: WriterRequest): WriterResponse {
  const { id } = request
  try {
    if (request.type === 'write') writer.write(request.signal, request.encoding, request.bytes)
    else if (request.type === 'clear') writer.clear()
    else writer.close()
    return { id, written: writer.written() }
  } catch (error) {
    return {
      id,
      error: {
        message: (error as Error).message,
        isTooLarge: error instanceof TooLargeError,
        isDatabase: (error as { code?: string }).code === 'ERR_SQLITE_ERROR',
      },
      written: writer.written(),
    }
  }
}
