import { counted } from './text.ts'

/** Largest amount of output that is buffered for a slow reader of stdout. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024
/** Characters of one write to stdout. */
const CHUNK_CHARACTERS = 64 * 1024
/** Characters that are printed of one request. Each record repeats its resource and scope, so the output has a limit too. */
const MAX_PRINTED_CHARACTERS = 64 * 1024 * 1024
/** Longest wait for a reader of the last lines when the command ends. */
const EXIT_TIMEOUT_MILLIS = 1000

let skippedLines = 0

/**
 * Handles the errors of stdout and stderr, which would be uncaught exceptions. Exits with status 0 when the reader of stdout has
 * closed the pipe, as `| head` does, and with status 1 when a write to stdout fails. Ignores errors of stderr.
 */
export function handleOutputErrors(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit()
    printMessage(`logbridge-viewer: writing to stdout failed: ${message}`)
    process.exit(1)
  })
}

/** Prints a line for each record to stdout. Skips and counts lines while the reader of stdout is too slow. */
export function printRecords<T>(records: readonly T[], format: (record: T) => string): void {
  if (process.stdout.writableLength > MAX_BUFFERED_BYTES) {
    if (skippedLines === 0) process.stdout.once('drain', reportSkippedLines)
    skippedLines += records.length
    return
  }
  let chunk = ''
  let printed = 0
  for (const [index, record] of records.entries()) {
    if (printed > MAX_PRINTED_CHARACTERS) {
      printMessage(
        `Skipped ${counted(records.length - index, 'record')} of a request: its output is too large`,
      )
      break
    }
    const line = format(record)
    printed += line.length
    chunk += `${line}\n`
    if (chunk.length > CHUNK_CHARACTERS) {
      process.stdout.write(chunk)
      chunk = ''
    }
  }
  if (chunk !== '') process.stdout.write(chunk)
}

/** Prints a message to stderr, because stdout has the records alone. */
export function printMessage(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** Exits when stdout is flushed, at the latest after one second, because a pipe without a reader keeps the process running. */
export function endOutput(): void {
  reportSkippedLines()
  setTimeout(() => process.exit(), EXIT_TIMEOUT_MILLIS).unref()
}

function reportSkippedLines(): void {
  if (skippedLines > 0)
    printMessage(`Skipped ${counted(skippedLines, 'line')}: stdout is read slower than records arrive`)
  skippedLines = 0
}
