import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api'
import type { Logger, LoggerProvider } from './types.ts'

/** Loggers kept for one bridge; a program that names loggers after users or requests must not grow without end. */
const MAX_LOGGERS = 1000

/**
 * Set on a LoggerProvider that takes any JavaScript value as body and attributes and copies it inside `emit`, by
 * the rules of `ValueWriter`. Others are given plain AnyValues.
 */
export const ACCEPTS_ANY_VALUE: unique symbol = Symbol.for('logbridge.acceptsAnyValue') as never

/** Where `@opentelemetry/api` 1.x (`logs` since 1.10) and `@opentelemetry/api-logs` 0.x keep what is registered. */
const API = Symbol.for('opentelemetry.js.api.1')
const API_LOGS = Symbol.for('io.opentelemetry.js.api.logs')
const API_LOGS_COMPATIBILITY = 1

interface Globals {
  [API]?: { logs?: LoggerProvider; context?: ContextManager }
  [API_LOGS]?: (compatibility: number) => LoggerProvider | undefined
}

/**
 * The LoggerProvider that is registered in this process: with `@opentelemetry/api` >= 1.10, else with
 * `@opentelemetry/api-logs`. The globals themselves are read, not the APIs: the APIs answer with a proxy that
 * does not tell whether anything is behind it, `@opentelemetry/api` 1.9 has no `logs` at all, and a second
 * copy of either package (a bundle, an npm tree that could not be deduplicated) still meets the same global.
 */
export function registeredProvider(): LoggerProvider | undefined {
  const globals = globalThis as Globals
  return globals[API]?.logs ?? globals[API_LOGS]?.(API_LOGS_COMPATIBILITY)
}

/**
 * The caller's context, of whichever version of `@opentelemetry/api` has the ContextManager. The API itself answers with
 * none where another copy with a lower minor version was there first: 1.10 here beside an SDK 2.x with its 1.9.
 */
export function activeContext(): Context {
  return (globalThis as Globals)[API]?.context?.active() ?? ROOT_CONTEXT
}

/** Runs code in a context, by the same ContextManager as `activeContext`. */
export function withContext(context: Context, run: () => void): void {
  const manager = (globalThis as Globals)[API]?.context
  if (manager) manager.with(context, run)
  else run()
}

/** The loggers of one bridge, each looked up once for its scope. */
export interface Loggers {
  /** `undefined` as long as no LoggerProvider is there. */
  get(scope: string): Logger | undefined
  /** Whether the current provider copies and maps values itself. */
  acceptsAnyValue(): boolean
  /** Where the logger that was asked for last comes from. */
  provider(): LoggerProvider | undefined
}

/**
 * @param injected the user's own provider; else the registered one is looked up until it is found, and then kept
 * until another is registered in its place
 */
export function createLoggers(injected: LoggerProvider | undefined): Loggers {
  const loggers = new Map<string, Logger>()
  let provider: LoggerProvider | undefined
  let acceptsAnyValue = false
  let lastScope: string | undefined
  let lastLogger: Logger | undefined

  function useProvider(next: LoggerProvider): void {
    provider = next
    acceptsAnyValue = ACCEPTS_ANY_VALUE in next
    loggers.clear()
    lastScope = undefined
  }
  if (injected) useProvider(injected)

  return {
    get(scope) {
      if (injected === undefined) {
        const current = registeredProvider()
        if (current !== undefined && current !== provider) useProvider(current)
      }
      if (provider === undefined) return undefined
      if (scope === lastScope) return lastLogger
      let logger = loggers.get(scope)
      if (logger === undefined) {
        if (loggers.size >= MAX_LOGGERS) loggers.delete(loggers.keys().next().value as string)
        logger = provider.getLogger(scope)
        loggers.set(scope, logger)
      }
      lastScope = scope
      lastLogger = logger
      return logger
    },
    acceptsAnyValue: () => acceptsAnyValue,
    provider: () => provider,
  }
}
