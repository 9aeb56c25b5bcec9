/** What waits for a reader of stdout that is slower than what arrives. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024
/** Characters that are written at once, and of one request in all: each record repeats its resource and scope. */
const CHUNK_CHARACTERS = 64 * 1024
const MAX_PRINTED_CHARACTERS = 64 * 1024 * 1024
/** How long the last lines wait for a reader when the command ends. */
const END_MILLIS = 1000

let leftOut = 0

/**
 * Handles the errors of stdout and stderr, which would be uncaught exceptions. The command ends with status 0 when the reader of
 * stdout has gone, as with `| head`, and with status 1 when stdout cannot be written to. It goes on without stderr.
 */
export function handleOutputErrors(): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit()
    say(`logbridge-viewer: stdout cannot be written to: ${message}`)
    process.exit(1)
  })
}

/** Prints a line for each record to stdout; leaves them out, which is said, while the reader of a pipe does not keep up. */
export function printRecords<T>(records: readonly T[], format: (record: T) => string): void {
  if (process.stdout.writableLength > MAX_WAITING_BYTES) {
    if (leftOut === 0) process.stdout.once('drain', sayLeftOut)
    leftOut += records.length
    return
  }
  let chunk = ''
  let printed = 0
  for (const [index, record] of records.entries()) {
    if (printed > MAX_PRINTED_CHARACTERS) {
      say(`${records.length - index} more records of a request are not printed: it is too large`)
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

/** Prints a message to stderr: stdout is the records', for a pipe. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** Ends the process, at the latest in a second: a pipe that nobody reads would hold it open. */
export function endOutput(): void {
  sayLeftOut()
  setTimeout(() => process.exit(), END_MILLIS).unref()
}

function sayLeftOut(): void {
  if (leftOut > 0) say(`Left out ${leftOut} lines: stdout was not read as fast as records arrived`)
  leftOut = 0
}
