import type { Context, ContextManager, DiagLogger } from '@opentelemetry/api'
import { detachText } from './detach.ts'
import { ROOT_CONTEXT } from './spanContext.ts'
import { state } from './state.ts'
import type { BridgeOptions, Logger, LoggerOptions, LoggerProvider } from './types.ts'

/*
 * Reads the globals of OpenTelemetry without importing `@opentelemetry/api`, because:
 * - the API consists of 51 modules that load in 25 ms, whereas an adapter loads in 8 ms;
 * - the API returns a proxy that hides whether a provider is registered;
 * - `@opentelemetry/api` 1.9 has no `logs`;
 * - a second copy of the API, e.g. in a bundle, uses the same globals.
 */

/** Key of the globals of `@opentelemetry/api` 1.x. `logs` is among them since 1.10. */
export const API: unique symbol = Symbol.for('opentelemetry.js.api.1')
/** Key of the global of `@opentelemetry/api-logs` 0.x, a function that takes a compatibility version. */
export const API_LOGS: unique symbol = Symbol.for('io.opentelemetry.js.api.logs')
/** The compatibility version of all `@opentelemetry/api-logs` 0.x. For any other, the function returns a LoggerProvider without effect. */
const API_LOGS_COMPATIBILITY = 1

/** Registered components of OpenTelemetry, as properties of `globalThis`. */
export interface OtelGlobals {
  [API]?: { logs?: LoggerProvider; context?: ContextManager; diag?: DiagLogger }
  [API_LOGS]?: (compatibility: number) => LoggerProvider | undefined
}
const globals = globalThis as OtelGlobals

/**
 * Returns the LoggerProvider that is registered with `@opentelemetry/api` >= 1.10, else with `@opentelemetry/api-logs`.
 */
export function registeredProvider(): LoggerProvider | undefined {
  return globals[API]?.logs ?? globals[API_LOGS]?.(API_LOGS_COMPATIBILITY)
}

/** Returns the registered DiagLogger. Never throws, because a warning and a call of the console read the global outside of the bridge's guard. */
export function registeredDiagLogger(): DiagLogger | undefined {
  try {
    return globals[API]?.diag
  } catch {
    return undefined
  }
}

/**
 * Returns the active context, from a ContextManager of any version of `@opentelemetry/api`. A copy of the API returns the root context when a
 * copy with a lower minor version registered first, e.g. the application's copy 1.10 after the copy 1.9 of an SDK 2.x.
 */
export function activeContext(): Context {
  return globals[API]?.context?.active() ?? ROOT_CONTEXT
}

/** Runs a function with `context` as the active context. Without a registered ContextManager, only runs the function. */
export function withContext(context: Context, run: () => void): void {
  const manager = globals[API]?.context
  if (manager) manager.with(context, run)
  else run()
}

/** Largest number of loggers that are kept, because a program may name its loggers after users or requests. */
const MAX_LOGGERS = 1000
/** Longest scope whose logger is kept, to bound the memory of the cache. A logger with a longer scope is looked up each time. */
const MAX_SCOPE_LENGTH = 1000

/**
 * Marks a LoggerProvider that accepts any JavaScript value as body and attributes, and copies them inside `emit` by the rules of
 * `ValueWriter`. Every other provider gets plain AnyValues.
 */
export const ACCEPTS_ANY_VALUE: unique symbol = Symbol.for('logbridge.acceptsAnyValue') as never

/** Version, schema URL, and attributes of the scopes of one bridge. */
export interface ScopeDetails {
  readonly version: string | undefined
  readonly options: LoggerOptions
}

/** Returns `undefined` when the options have no details of a scope. */
export function scopeDetailsOf({
  scopeVersion,
  scopeSchemaUrl,
  scopeAttributes,
}: BridgeOptions): ScopeDetails | undefined {
  if (scopeVersion === undefined && scopeSchemaUrl === undefined && scopeAttributes === undefined)
    return undefined
  return {
    version: scopeVersion,
    options: {
      ...(scopeSchemaUrl !== undefined && { schemaUrl: scopeSchemaUrl }),
      ...(scopeAttributes && { attributes: { ...scopeAttributes } }),
    },
  }
}

/** Gets a logger. Passes no more arguments than there are details. */
export function getLogger(
  provider: LoggerProvider,
  scope: string,
  details: ScopeDetails | undefined,
): Logger {
  return details ? provider.getLogger(scope, details.version, details.options) : provider.getLogger(scope)
}

/** Cache of the loggers of one bridge, by scope. */
export interface Loggers {
  /** Follows the registered LoggerProvider. Returns whether a LoggerProvider is given or registered. */
  hasProvider(): boolean
  /** Returns the logger of a scope, from the LoggerProvider that the last call of `hasProvider` found; `undefined` without it. */
  get(scope: string): Logger | undefined
  /** Returns whether the LoggerProvider of `provider` has `ACCEPTS_ANY_VALUE`. */
  acceptsAnyValue(): boolean
  /** Returns the given LoggerProvider, or the registered LoggerProvider that the last call of `hasProvider` found. */
  provider(): LoggerProvider | undefined
}

/**
 * Makes the cache of the loggers of one bridge. The cache follows the registered LoggerProvider: when another LoggerProvider is registered, the
 * cache is emptied, and the loggers come from the new LoggerProvider.
 * @param injected provider of the option `loggerProvider`, used instead of the registered one
 */
export function createLoggers(injected: LoggerProvider | undefined, details?: ScopeDetails): Loggers {
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
    hasProvider() {
      if (injected === undefined) {
        const current = registeredProvider()
        // Records that are logged after the shutdown wait for the next start, and a line reports them.
        if (current === undefined) provider = state.startupBuffer.isShutDown ? undefined : provider
        else if (current !== provider) useProvider(current)
      }
      return provider !== undefined
    },
    get(scope) {
      if (provider === undefined) return undefined
      if (scope === lastScope) return lastLogger
      let logger = loggers.get(scope)
      if (logger === undefined) {
        logger = getLogger(provider, scope, details)
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
