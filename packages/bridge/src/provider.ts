import { registeredProvider } from './otelGlobals.ts'
import { detachText } from './detach.ts'
import type { Logger, LoggerProvider } from './types.ts'

/** Loggers kept for one bridge; a program that names loggers after users or requests must not grow without end. */
const MAX_LOGGERS = 1000
/** Loggers with a longer name are not kept: a thousand of them must not take much memory. */
const MAX_SCOPE_LENGTH = 1000

/**
 * Set on a LoggerProvider that takes any JavaScript value as body and attributes and copies it inside `emit`, by
 * the rules of `ValueWriter`. Others are given plain AnyValues.
 */
export const ACCEPTS_ANY_VALUE: unique symbol = Symbol.for('logbridge.acceptsAnyValue') as never

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
