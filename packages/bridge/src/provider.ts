import { registeredProvider } from './otelGlobals.ts'
import { detachText } from './detach.ts'
import type { Logger, LoggerProvider } from './types.ts'

/** Bounds the memory of a program that names loggers after users or requests. */
const MAX_LOGGERS = 1000
/** Loggers with a longer name are looked up each time, to bound the memory of the cache. */
const MAX_SCOPE_LENGTH = 1000

/**
 * Marks a LoggerProvider that accepts any JavaScript value as body and attributes, and copies them inside `emit` by the rules of
 * `ValueWriter`. Every other provider gets plain AnyValues.
 */
export const ACCEPTS_ANY_VALUE: unique symbol = Symbol.for('logbridge.acceptsAnyValue') as never

/** Cache of the loggers of one bridge, by scope. */
export interface Loggers {
  /** Returns `undefined` until a LoggerProvider exists. */
  get(scope: string): Logger | undefined
  /** Returns true when the provider of the last logger has `ACCEPTS_ANY_VALUE`. */
  acceptsAnyValue(): boolean
  /** Returns the provider of the last logger. */
  provider(): LoggerProvider | undefined
}

/**
 * Makes the cache. It follows the registered LoggerProvider: a provider that is registered later replaces the earlier one.
 * @param injected provider of the option `loggerProvider`, used instead of the registered one
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
        logger = provider.getLogger(scope)
        if (scope.length <= MAX_SCOPE_LENGTH) {
          if (loggers.size >= MAX_LOGGERS) loggers.delete(loggers.keys().next().value as string)
          loggers.set(detachText(scope), logger)
        }
      }
      lastScope = scope
      lastLogger = logger
      return logger
    },
    acceptsAnyValue: () => acceptsAnyValue,
    provider: () => provider,
  }
}
