import { type LogsConfig, resolveLogs } from './config/config.ts'
import type { LoggerProviderOptions } from './config/options.ts'
import { REGISTRATION } from './config/optionTable.ts'
import { resolveResource } from './config/resource.ts'
import { resolveOptions } from './config/settings.ts'
import { resolveShutdown } from './config/shutdown.ts'
import { joinExitHandlers, type LogsExitHandler } from './logs/exitHandler.ts'
import {
  createLoggerProviderFrom,
  type LogbridgeLoggerProvider,
  type ManagedLoggerProvider,
} from './logs/provider.ts'
import { ownInstanceId } from './process/instanceId.ts'
import { onProcessExit } from './process/processExit.ts'
import { createShutdown } from './process/shutdown.ts'
import { checkStart } from './process/startChecks.ts'
import { registerLoggerProvider } from './register.ts'

/**
 * Creates a LoggerProvider that encodes each record as OTLP at the call and delivers records in batches.
 *
 * @throws LogbridgeError `INVALID_OPTION`; `NODE_VERSION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot
 * @example
 * ```ts
 * const loggerProvider = createLoggerProvider({ serviceName: 'shop', endpoint: 'http://collector:4317' })
 * ```
 */
export function createLoggerProvider(options: LoggerProviderOptions = {}): LogbridgeLoggerProvider {
  checkStart('createLoggerProvider()')
  return startLoggerProvider(options, resolveLogs(options, process.env)).provider
}

/** Part of a process that ends with the LoggerProvider. */
export interface EndingPart {
  readonly exitHandler: LogsExitHandler
  shutdown(timeoutMillis: number): Promise<void>
}

/**
 * Creates a LoggerProvider, registers it, and handles the end of the process.
 *
 * @param others parts that are flushed at the end of the process and shut down with the provider
 */
export function startLoggerProvider(
  options: LoggerProviderOptions,
  config: LogsConfig,
  others: readonly EndingPart[] = [],
): Pick<ManagedLoggerProvider, 'provider' | 'forward'> {
  const { register } = resolveOptions(REGISTRATION, { ...options }, {})
  const { shutdownSignals, captureUncaughtExceptions, flushOnExit } = resolveShutdown(options, register)
  // An unregistered provider, such as the one in pino's worker, is no service instance.
  const resource = resolveResource(options, process.env, register ? ownInstanceId : undefined)
  const { provider: inner, exitHandler: ofLogs, forward } = createLoggerProviderFrom(config, resource)
  const parts = [inner, ...others]
  const exitHandler =
    others.length === 0 ? ofLogs : joinExitHandlers([ofLogs, ...others.map((each) => each.exitHandler)])
  const shutdown = createShutdown(async (timeoutMillis) => {
    unregister?.()
    try {
      await Promise.all(parts.map((part) => part.shutdown(timeoutMillis)))
    } finally {
      dispose()
    }
  }, exitHandler.unsent)
  const provider: LogbridgeLoggerProvider = {
    ...inner,
    // Rest parameters make `length` 0: see `forceFlush` of telemetry.ts.
    shutdown: (...limit) => shutdown.begin(...limit),
  }
  const exceptions = captureUncaughtExceptions ? provider : undefined
  const dispose = onProcessExit(exitHandler, { shutdownSignals, exceptions, flushOnExit })
  const unregister = register ? registerLoggerProvider(provider) : undefined
  return { provider, ...(forward && { forward }) }
}
