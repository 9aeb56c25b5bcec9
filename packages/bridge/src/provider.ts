import { registeredProvider } from './otelGlobals.ts'
import { detachText } from './detach.ts'
import type { Logger, LoggerProvider } from './types.ts'

/** Largest number of loggers that are kept, because a program may name its loggers after users or requests. */
const MAX_LOGGERS = 1000
/** Longest scope whose logger is kept, to bound the memory of the cache. A logger with a longer scope is looked up each time. */
const MAX_SCOPE_LENGTH = 1000

/**
 * Marks a LoggerProvider that accepts any JavaScript value as body and attributes, and copies them inside `emit` by the rules of
 * `ValueWriter`. Every other provider gets plain AnyValues.
 */
export const ACCEPTS_ANY_VALUE: unique symbol = Symbol.for('logbridge.acceptsAnyValue') as never

/** Cache of the loggers of one bridge, by scope. */
export interface Loggers {
  /** Returns the logger of a scope; `undefined` until a LoggerProvider is given or registered. */
  get(scope: string): Logger | undefined
  /** Returns whether the LoggerProvider of `provider` has `ACCEPTS_ANY_VALUE`. */
  acceptsAnyValue(): boolean
  /** Returns the given LoggerProvider, or the registered LoggerProvider that the last call of `get` found. */
  provider(): LoggerProvider | undefined
}

/**
 * Makes the cache of the loggers of one bridge. The cache follows the registered LoggerProvider: when another LoggerProvider is registered, the
 * cache is emptied, and the loggers come from the new LoggerProvider.
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
