import type { ConsoleMethod } from './convert.ts'

/** Where `@opentelemetry/api` 1.x keeps what is registered. */
const API = Symbol.for('opentelemetry.js.api.1')
const OPENTELEMETRY = /[\\/]@opentelemetry[\\/]/
const DIAG = /[\\/]@opentelemetry[\\/]api[\\/].*\bdiag\b/
/** From the console to the diag API: a diag logger of the user's own may have a few functions between. */
const MAX_FRAMES = 6

/**
 * Whether OpenTelemetry itself called the console. To send that would make it call again, without end: a console
 * exporter prints what it is sent, and a failed export is reported by a record that fails as well. Only a context in which
 * tracing is suppressed would tell otherwise, and without a ContextManager there is none.
 *
 * Its console exporters use `dir`, all else goes through its diag logger: the stack is looked at only where one of these
 * can be, because that takes about 4 us. Blind where OpenTelemetry has been bundled.
 */
export function isOpenTelemetrysOwn(method: ConsoleMethod, calledAs: (...args: never) => unknown): boolean {
  if (method !== 'dir' && !hasDiagLogger()) return false
  try {
    const files = callerFiles(calledAs)
    return OPENTELEMETRY.test(files[0] ?? '') || files.some((file) => DIAG.test(file))
  } catch {
    // Error is frozen.
    return false
  }
}

function hasDiagLogger(): boolean {
  return (globalThis as { [API]?: { diag?: object } })[API]?.diag !== undefined
}

function callerFiles(calledAs: (...args: never) => unknown): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = MAX_FRAMES
    Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '')
    const holder = { stack: [] as string[] }
    Error.captureStackTrace(holder, calledAs)
    return holder.stack
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
