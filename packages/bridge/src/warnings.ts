import { registeredDiagLogger } from './provider.ts'
import { errorMessage } from './safeAccess.ts'
import { state, withLoggingSuppressed } from './state.ts'
import { ignoreRejection, writesToStderr, writeToStderr } from './stderr.ts'

/** Longest part of an error or a message that is written, in UTF-16 units. A pipe takes a write of this size as a whole. */
const MAX_SHOWN_LENGTH = 2000
/** Shortest time between two warnings with the same key. */
const REARM_MILLIS = 60_000

/** Warns once for each key, until `rearm`. */
export function warnOnce(key: string, message: string, error?: unknown): void {
  if (state.lastWarned.has(key)) return
  state.lastWarned.set(key, performance.now())
  warn(message, error)
}

/** Lets `warnOnce` warn again, because the fault has ended. Has no effect within a minute of the last warning. */
export function rearm(key: string): void {
  const warnedAt = state.lastWarned.get(key)
  if (warnedAt !== undefined && performance.now() - warnedAt >= REARM_MILLIS) state.lastWarned.delete(key)
}

/**
 * Writes a warning to OpenTelemetry's diag logger and to stderr. Suppresses logging meanwhile, because a diag logger may be bridged: its
 * record would cause the next warning. Never throws. The caller limits the rate.
 *
 * @param error appended without the secrets of `hideFromDiagnostics`
 */
export function warn(message: string, error?: unknown): void {
  const text = oneLine(error === undefined ? message : `${message}: ${cause(error)}`)
  withLoggingSuppressed(() => write(`logbridge: ${text}`))
}

/**
 * Hides secrets in the errors of all later warnings.
 * @param hide removes the secrets from the text of an error
 * @returns removes `hide`
 */
export function hideFromDiagnostics(hide: (text: string) => string): () => void {
  state.secretFilters.add(hide)
  return () => state.secretFilters.delete(hide)
}

/** Puts a text on one line, without control characters, and truncates it. */
export function oneLine(text: string, maxLength: number = MAX_SHOWN_LENGTH): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, maxLength)
}

function cause(error: unknown): string {
  try {
    let text = errorMessage(error).slice(0, MAX_SHOWN_LENGTH)
    for (const hide of state.secretFilters) text = hide(text)
    return text
  } catch {
    return 'an error that cannot be read'
  }
}

/** Writes a line to the diag logger, and to stderr unless the diag logger prints there: `DiagConsoleLogger`, or that of `OTEL_LOG_LEVEL`. */
function write(line: string): void {
  const logger = registeredDiagLogger()
  const isPrinted =
    logger !== undefined &&
    logger !== state.printingDiagLogger &&
    writesToStderr(line, () => ignoreRejection(logger.warn(line)))
  if (!isPrinted) writeToStderr(`${line}\n`)
}

/** Notes that the registered diag logger prints warnings by `writeToStderr`. */
export function noteDiagPrints(): void {
  state.printingDiagLogger = registeredDiagLogger()
}

/** Formats a number with its unit: `1 log record`, `12 log records`. */
export function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
