import { registeredDiagLogger } from './otelGlobals.ts'
import { withLoggingSuppressed } from './loggingSuppression.ts'
import { errorMessage } from './safeAccess.ts'
import { state } from './state.ts'
import { ignoreRejection, writeToStderr } from './stderr.ts'

/** No more of an error is looked at, and no more of a message is shown: a write of this size to a pipe is never torn apart. */
const MAX_SHOWN_LENGTH = 2000
/** Reports a recurring fault at most once in this time. */
const REARM_MILLIS = 60_000

/** `announce`, once for each `kind`, until `rearm`. */
export function warnOnce(kind: string, message: string, error?: unknown): void {
  if (state.lastWarned.has(kind)) return
  state.lastWarned.set(kind, performance.now())
  warn(message, error)
}

/** Has `diagnose` tell of this kind again, because the fault has ended; not sooner than a minute after the last time. */
export function rearm(kind: string): void {
  const saidAt = state.lastWarned.get(kind)
  if (saidAt !== undefined && performance.now() - saidAt >= REARM_MILLIS) state.lastWarned.delete(kind)
}

/**
 * Says that something is wrong, to OpenTelemetry's diag logger and to stderr. It counts as caused by an export, so that a diag
 * logger which is itself bridged cannot feed on it. Never throws. The caller sees to it that it is not said too often.
 *
 * @param error shown without the secrets of `hideFromDiagnostics`
 */
export function warn(message: string, error?: unknown): void {
  const text = oneLine(error === undefined ? message : `${message}: ${cause(error)}`)
  withLoggingSuppressed(() => say(`logbridge: ${text}`))
}

/**
 * Hides secrets in the errors of all later diagnostics.
 * @param hide takes a text that an error gave, returns it without the secrets
 * @returns ends that
 */
export function hideFromDiagnostics(hide: (text: string) => string): () => void {
  state.secretFilters.add(hide)
  return () => state.secretFilters.delete(hide)
}

/** A text on one line, without what a terminal would obey or not show, and not too long. */
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

function say(line: string): void {
  try {
    ignoreRejection(registeredDiagLogger()?.warn(line))
  } catch {
    // A diag logger that fails has no one left to tell.
  }
  writeToStderr(`${line}\n`)
}
