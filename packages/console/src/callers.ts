import { callSites } from '@logbridge/bridge/internal'
import type { ConsoleCall } from './convert.ts'

/** Where `@opentelemetry/api` 1.x keeps what is registered. */
const API = Symbol.for('opentelemetry.js.api.1')
const OPENTELEMETRY = /[\\/]@opentelemetry[\\/]/
const API_PACKAGE = /[\\/]@opentelemetry[\\/]api[\\/]/
const DIAG = /\bdiag\b/
const INSPECT = 'node:internal/util/inspect'
/** From the console to the diag API or to `util.inspect`: the user's own code may have some functions between. */
const MAX_FRAMES = 10

/**
 * Whether OpenTelemetry itself called the console. To send that would make it call again, without end: a console
 * exporter prints what it is sent, and a failed export is reported by a record that fails as well. Only a context in which
 * tracing is suppressed would tell otherwise, and without a ContextManager there is none.
 *
 * Its console exporters use `dir`, all else goes through its diag logger: the stack is looked at only where one of these
 * can be, because that takes about 4 us. Blind where OpenTelemetry has been bundled.
 */
export function isOpenTelemetrysOwn({ method, calledAs }: ConsoleCall): boolean {
  if (method !== 'dir' && !hasDiagLogger()) return false
  const files = callerFiles(calledAs)
  return OPENTELEMETRY.test(files[0] ?? '') || files.some(isOfDiagLogger)
}

/**
 * Whether a value that a console is about to show has made the call, such as by its `util.inspect.custom`: that is one of
 * the application's own, unlike what the console itself or a patch calls to print another call. Takes about 4 us.
 */
export function isMadeByValue(calledAs: (...args: never) => unknown): boolean {
  return callerFiles(calledAs).includes(INSPECT)
}

function isOfDiagLogger(file: string): boolean {
  const at = file.search(API_PACKAGE)
  return at >= 0 && DIAG.test(file.slice(at))
}

function hasDiagLogger(): boolean {
  return (globalThis as { [API]?: { diag?: object } })[API]?.diag !== undefined
}

function callerFiles(calledAs: (...args: never) => unknown): string[] {
  return callSites(calledAs, MAX_FRAMES).map((site) => site.getFileName() ?? '')
}
