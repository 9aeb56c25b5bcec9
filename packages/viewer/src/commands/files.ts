import { createReadStream, statSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Imported } from '../store/importLines.ts'
import { counted } from '../text.ts'
import { UsageError } from './arguments.ts'

/**
 * Opens a file of OTLP/JSON lines, decompressed when its name ends with .gz; `-` is stdin.
 *
 * @throws UsageError when the file cannot be read
 */
export function openLines(file: string): AsyncIterable<Uint8Array> {
  if (file === '-') return process.stdin
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file')
  } catch (cause) {
    throw new UsageError(`Cannot read ${file}: ${(cause as Error).message}`, { cause })
  }
  const stream = createReadStream(file)
  // The reader of the last stream gets the error of each.
  return file.endsWith('.gz') ? pipeline(stream, createGunzip(), () => {}) : stream
}

export function describeImport(file: string, { lines, failed, firstError }: Imported): string {
  const stored = `Imported ${counted(lines - failed, 'request')} of ${file}`
  return failed === 0 ? stored : `${stored}; ${counted(failed, 'line')} failed, the first at ${firstError}`
}
