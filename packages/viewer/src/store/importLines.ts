import type { Signal } from '../decode.ts'
import { TooLargeError } from '../memory.ts'
import type { Store } from './store.ts'

/** Largest line of an import. */
const MAX_LINE_CHARACTERS = 4 * 2 ** 20

/** Result of an import. */
export interface Imported {
  lines: number
  /** Lines that are no OTLP/JSON. */
  failed: number
  /** Number of the first line that failed, with the reason. */
  firstError: string
}

/**
 * Stores each line of OTLP/JSON. Counts the lines that are no OTLP, and keeps the first error.
 *
 * @throws TooLargeError for a line that exceeds the limit, which is not kept in memory
 */
export async function importLines(store: Store, chunks: AsyncIterable<Uint8Array>): Promise<Imported> {
  const result = { lines: 0, failed: 0, firstError: '' }
  let number = 0
  for await (const line of readLines(chunks)) {
    number += 1
    if (line.trim() === '') continue
    result.lines += 1
    try {
      await store.write(signalOfLine(line), 'json', Buffer.from(line))
    } catch (error) {
      result.failed += 1
      const reason = error instanceof TooLargeError ? 'too large' : (error as Error).message
      if (result.firstError === '') result.firstError = `line ${number}: ${reason}`
    }
  }
  return result
}

async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pending = ''
  for await (const chunk of chunks) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n')
    pending = lines.pop()!
    yield* lines
    if (pending.length > MAX_LINE_CHARACTERS) {
      throw new TooLargeError(`A line has more than ${MAX_LINE_CHARACTERS} characters.`)
    }
  }
  yield pending + decoder.decode()
}

/** Returns the signal of a line of the OTLP file exporter. */
function signalOfLine(line: string): Signal {
  const key = /^\s*\{\s*"(resourceLogs|resourceSpans|resourceMetrics)"/.exec(line)?.[1]
  switch (key) {
    case 'resourceLogs':
      return 'logs'
    case 'resourceSpans':
      return 'traces'
    case 'resourceMetrics':
      return 'metrics'
    default:
      throw new Error('expected OTLP/JSON with resourceLogs, resourceSpans, or resourceMetrics')
  }
}
