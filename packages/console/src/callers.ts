import { callSites, registeredDiagLogger } from '@logbridge/bridge/internal'
import type { ConsoleCall } from './convert.ts'

const OPENTELEMETRY = /[\\/]@opentelemetry[\\/]/
const API_PACKAGE = /[\\/]@opentelemetry[\\/]api[\\/]/
const DIAG = /\bdiag\b/
const INSPECT = 'node:internal/util/inspect'
/** Frames that are read. Code of the application may call the diag API or `util.inspect` through other functions. */
const MAX_FRAMES = 10

/**
 * Tests if OpenTelemetry itself called the console. Such a call is left out, because its record would cause the next call: a
 * console exporter prints each record, and a failed export logs a record whose export fails. The stack decides because a
 * context that suppresses tracing exists only with a ContextManager.
 *
 * The stack is read for `dir`, which console exporters call, and for every method when a diag logger is set, because a stack
 * takes about 4 us (`pnpm bench console`). An OpenTelemetry that was bundled is not recognized.
 */
export function isOpenTelemetrysOwn({ method, calledAs }: ConsoleCall): boolean {
  if (method !== 'dir' && registeredDiagLogger() === undefined) return false
  const files = callerFiles(calledAs)
  return OPENTELEMETRY.test(files[0] ?? '') || files.some(isOfDiagLogger)
}

/**
 * Tests if a value made the call while the console printed that value, e.g. in its `util.inspect.custom`. Such a call is the
 * application's. Other calls within a call are made by the console or by a patch, to print. Takes about 4 us.
 */
export function isMadeByValue(calledAs: (...args: never) => unknown): boolean {
  return callerFiles(calledAs).includes(INSPECT)
}

function isOfDiagLogger(file: string): boolean {
  const at = file.search(API_PACKAGE)
  return at >= 0 && DIAG.test(file.slice(at))
}

function callerFiles(calledAs: (...args: never) => unknown): string[] {
  return callSites(calledAs, MAX_FRAMES).map((site) => site.getFileName() ?? '')
}
